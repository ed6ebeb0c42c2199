bin=/usr/lib/postgresql/15/bin
chown postgres .
as postgres $bin/initdb -D "$T/d" -A trust -U postgres >init.log 2>&1 || die initdb
as postgres $bin/pg_ctl -D "$T/d" -l "$T/d/server.log" -o "-p 5555 -k $T -h 127.0.0.1" -w -t 60 start >start.log 2>&1 || die "$(cat d/server.log)"
as postgres $bin/pgbench -h 127.0.0.1 -p 5555 -U postgres -i -s 1 postgres >bench.log 2>&1 || die "pgbench -i"
as postgres $bin/pgbench -h 127.0.0.1 -p 5555 -U postgres -c 4 -t 50 postgres >bench.log 2>&1 || die pgbench
[ "$(as postgres psql -h 127.0.0.1 -p 5555 -U postgres -Atc 'select count(*) from pgbench_history')" = 200 ] || die count
as postgres $bin/pg_ctl -D "$T/d" -m fast -w stop >stop.log 2>&1 || die stop
