back redis-server --port 7001 --dir "$T" --appendonly yes --appendfsync always --bind 127.0.0.1
port 7001
redis-cli -p 7001 set k v >/dev/null; [ "$(redis-cli -p 7001 get k)" = v ] || die get
redis-benchmark -p 7001 -q -n 2000 -c 20 -t set,get >bench.log 2>&1 || die bench
redis-cli -p 7001 bgsave >/dev/null; sleep 1
redis-cli -p 7001 info persistence | grep -q rdb_last_bgsave_status:ok || die bgsave
redis-cli -p 7001 shutdown nosave
