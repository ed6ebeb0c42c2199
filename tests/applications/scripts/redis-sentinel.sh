back redis-server --port 7112 --bind 127.0.0.1 --save ''; (redis-server --port 7113 --bind 127.0.0.1 --save '' --replicaof 127.0.0.1 7112 >replica.log 2>&1 &)
port 7112; port 7113; redis-cli -p 7112 set k v >/dev/null
printf 'port 7114\nbind 127.0.0.1\ndir %s\nsentinel monitor m 127.0.0.1 7112 1\nsentinel down-after-milliseconds m 1000\nsentinel failover-timeout m 5000\n' "$T" >s.conf
(redis-server s.conf --sentinel >sentinel.log 2>&1 &); port 7114
until_says v redis-cli -p 7113 get k; until_says 7113 redis-cli -p 7114 sentinel replicas m
redis-cli -p 7112 shutdown nosave; until_says 7113 redis-cli -p 7114 sentinel get-master-addr-by-name m
until_says master redis-cli -p 7113 role
