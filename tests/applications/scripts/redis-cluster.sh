for p in 7115 7116 7117; do mkdir $p; (cd $p && redis-server --port $p --bind 127.0.0.1 --cluster-enabled yes --save '' >../r$p.log 2>&1 &); port $p; done
redis-cli --cluster create 127.0.0.1:7115 127.0.0.1:7116 127.0.0.1:7117 --cluster-yes >create.log 2>&1 || die create
for p in 7115 7116 7117; do until_says cluster_state:ok redis-cli -p $p cluster info; done
for k in a b c d e f; do redis-cli -c -p 7115 set $k $k >/dev/null; [ "$(redis-cli -c -p 7116 get $k)" = $k ] || die get; done
