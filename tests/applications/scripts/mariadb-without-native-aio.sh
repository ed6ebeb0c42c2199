mariadb-install-db --no-defaults --innodb-use-native-aio=0 --user=root --datadir="$T/d" --auth-root-authentication-method=normal --skip-test-db >init.log 2>&1 || die mariadb-install-db
back mariadbd --no-defaults --innodb-use-native-aio=0 --user=root --datadir="$T/d" --socket="$T/s" --port=3377 --bind-address=127.0.0.1
until_says alive mariadb-admin -S "$T/s" ping
mariadb -S "$T/s" -e 'create database x; create table x.t(a int primary key) engine=innodb; insert into x.t values (1)' >query.log 2>&1 || die insert
mariadb-admin -S "$T/s" shutdown || die shutdown
