dropbearkey -t ed25519 -f hk >hk.log 2>&1; ssh-keygen -q -t ed25519 -N '' -f k; mkdir -p "$T/h/.ssh"; cp k.pub h/.ssh/authorized_keys; chmod 700 h h/.ssh; chmod 600 h/.ssh/authorized_keys; sed -i "s#^root:.*#root:x:0:0::$T/h:/bin/sh#" /etc/passwd; echo /bin/sh >/etc/shells; echo 'root:*:1::::::' >/etc/shadow; chown -R root h; chmod 755 "$T"
back dropbear -F -E -r hk -p 127.0.0.1:7170; port 7170
ssh -i k -p 7170 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 echo hello 2>ssh.log | grep -q hello || die "$(cat ssh.log)"
