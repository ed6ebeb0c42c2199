mariadb-install-db --no-defaults --user=root --datadir="$T/d" --auth-root-authentication-method=normal --skip-test-db >init.log 2>&1 || die mariadb-install-db
back mariadbd --no-defaults --user=root --datadir="$T/d" --socket="$T/s" --port=3377 --bind-address=127.0.0.1
until_says alive mariadb-admin -S "$T/s" ping
mariadb -h 127.0.0.1 -P 3377 -u root -e 'create database x; create table x.t(a int primary key auto_increment) engine=innodb; use x; insert into t select seq from seq_1_to_500' >query.log 2>&1 || die insert
[ "$(mariadb -S "$T/s" -N -e 'select count(*) from x.t')" = 500 ] || die count
mariadb-admin -S "$T/s" shutdown || die shutdown
