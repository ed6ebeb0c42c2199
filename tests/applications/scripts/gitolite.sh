mkdir -p /run/sshd h; echo "git:x:150:150::$T/h:/bin/sh" >>/etc/passwd; echo 'git:x:150:' >>/etc/group; ssh-keygen -q -t ed25519 -N '' -f hk; ssh-keygen -q -t ed25519 -N '' -f admin; chown 150:150 h admin.pub
export HOME=$T/h; setpriv --reuid=150 --regid=150 --clear-groups /usr/bin/gitolite setup -pk admin.pub >setup.log 2>&1 || die setup
printf 'Port 7133\nListenAddress 127.0.0.1\nHostKey %s/hk\nStrictModes no\nUsePAM no\nPidFile none\n' "$T" >c; echo 'git:*:1::::::' >/etc/shadow
back /usr/sbin/sshd -D -e -f c; port 7133; export HOME=$T GIT_SSH_COMMAND="ssh -i $T/admin -p 7133 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
git clone -q git@127.0.0.1:gitolite-admin a >clone.log 2>&1 || die clone; cd a; git config user.email a@x; git config user.name a; printf 'repo r\n  RW+ = admin\n' >>conf/gitolite.conf
git commit -qam 1 && git push -q >../push.log 2>&1 || die push; git ls-remote git@127.0.0.1:r >../ls.log 2>&1 || die repo
