back etcd --data-dir "$T/d" --listen-client-urls http://127.0.0.1:7026 --advertise-client-urls http://127.0.0.1:7026 --listen-peer-urls http://127.0.0.1:7027 --initial-advertise-peer-urls http://127.0.0.1:7027 --initial-cluster default=http://127.0.0.1:7027
port 7026
export ETCDCTL_API=3
etcdctl --endpoints=127.0.0.1:7026 put k v >put.log 2>&1 || die put
etcdctl --endpoints=127.0.0.1:7026 get k | grep -q v || die get
