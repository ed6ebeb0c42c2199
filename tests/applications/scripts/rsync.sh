mkdir a b; for i in 1 2 3 4 5 6; do echo "hello $i" >a/$i; done; ln -s 1 a/l; touch -d 2001-01-01 a/2
printf 'port = 7120\naddress = 127.0.0.1\nuse chroot = yes\nuid = root\ngid = root\n[m]\npath = %s/a\nread only = no\n' "$T" >r.conf
back rsync --daemon --no-detach --config=r.conf; port 7120
rsync -a rsync://127.0.0.1:7120/m/ b/ >pull.log 2>&1 || die pull; [ "$(cat a/*)" = "$(cat b/*)" ] || die content
[ "$(stat -c %Y b/2)" = "$(stat -c %Y a/2)" ] || die times; echo more >b/7; rsync -a b/ rsync://127.0.0.1:7120/m/ >push.log 2>&1 || die push; [ -f a/7 ] || die pushed
