mkdir -p /run/sshd src mnt ssh; chmod 700 ssh; echo hello >src/f
ssh-keygen -q -t ed25519 -N '' -f ssh/h; ssh-keygen -q -t ed25519 -N '' -f ssh/k
printf 'Port 7022\nListenAddress 127.0.0.1\nHostKey %s/ssh/h\nAuthorizedKeysFile %s/ssh/k.pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n' "$T" "$T" >c
back /usr/sbin/sshd -D -e -f "$T/c"; port 7022
sshfs -p 7022 -o IdentityFile="$T/ssh/k",StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null root@127.0.0.1:"$T/src" mnt >m.log 2>&1 || die mount
grep -q hello mnt/f || die read; echo world >mnt/g || die write; grep -q world src/g || die written
