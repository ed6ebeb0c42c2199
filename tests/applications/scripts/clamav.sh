mkdir db; printf 'Test.Hello:0:*:%s\n' "$(printf 'hello virus' | od -An -tx1 | tr -d ' \n')" >db/t.ndb
printf 'TCPSocket 7125\nTCPAddr 127.0.0.1\nDatabaseDirectory %s/db\nForeground yes\nUser nobody\nLogFile %s/clamd.log\nPidFile %s/p\n' "$T" "$T" "$T" >c.conf; chmod 777 .; chmod -R a+rX db
back clamd -c c.conf; port 7125 200; echo 'a hello virus' >v; echo fine >f; chmod a+r v f
scan() { printf 'nSCAN %s\n' "$T/$1" | nc -q 2 127.0.0.1 7125; }
until_says 'Test.Hello.*FOUND' scan v; until_says OK scan f
