bin=/usr/lib/postgresql/15/bin; chown postgres .; as postgres $bin/initdb -D "$T/d" -A trust -U postgres >init.log 2>&1 || die initdb
as postgres $bin/pg_ctl -D "$T/d" -l "$T/d/server.log" -o "-p 5555 -k $T -h 127.0.0.1" -w -t 60 start >start.log 2>&1 || die start
printf "backend_clustering_mode='raw'\nlisten_addresses='127.0.0.1'\nport=7109\npcp_port=7110\nsocket_dir='%s'\npcp_socket_dir='%s'\nbackend_hostname0='127.0.0.1'\nbackend_port0=5555\npid_file_name='%s/p'\nlogdir='%s'\nnum_init_children=4\nenable_pool_hba=off\n" "$T" "$T" "$T" "$T" >p.conf; touch pcp.conf pool_hba.conf
chown postgres ./*; (as postgres pgpool -n -f "$T/p.conf" -F "$T/pcp.conf" -a "$T/pool_hba.conf" >pgpool.log 2>&1 &)
port 7109; [ "$(as postgres psql -h 127.0.0.1 -p 7109 -U postgres -Atc 'select 6*7')" = 42 ] || die select
as postgres $bin/pgbench -h 127.0.0.1 -p 7109 -U postgres -i -s 1 postgres >bench.log 2>&1 || die pgbench
