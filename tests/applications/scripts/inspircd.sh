cat >i.conf <<E
<server name="x.local" description="x" network="x"><admin name="x" nick="x" email="x@x"><bind address="127.0.0.1" port="7131" type="clients"><power diepass="a" restartpass="b"><connect allow="*" timeout="10" resolvehostnames="no"><pid file="$T/p"><log method="file" type="*" level="default" target="$T/irc.log">
E
chmod 777 .; back inspircd --config="$T/i.conf" --nofork --runasroot; port 7131
(printf 'NICK a\r\nUSER a 0 * :a\r\n'; sleep 3) | nc -q 1 127.0.0.1 7131 | grep -q ' 001 a ' || die welcome
