mkdir -p /run/sshd; ssh-keygen -q -t ed25519 -N '' -f hk; ssh-keygen -q -t ed25519 -N '' -f k; cp k.pub ak; chown root ak; sed -i 's#^root:[^:]*:#root:x:#' /etc/passwd
printf 'Port 7043\nListenAddress 127.0.0.1\nHostKey %s/hk\nAuthorizedKeysFile %s/ak\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\n' "$T" "$T" >c; echo 'root:*:1::::::' >/etc/shadow
back /usr/sbin/sshd -D -e -f c; port 7043
ssh -i k -p 7043 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 echo hello 2>ssh.log | grep -q hello || die ssh
