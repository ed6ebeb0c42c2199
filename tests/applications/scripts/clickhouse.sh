mkdir d; cat >c.xml <<E
<yandex><logger><level>warning</level><console>1</console></logger><http_port>7118</http_port><tcp_port>7119</tcp_port><listen_host>127.0.0.1</listen_host><path>$T/d/</path><tmp_path>$T/d/tmp/</tmp_path><users_config>$T/u.xml</users_config><default_profile>default</default_profile><default_database>default</default_database><mark_cache_size>5368709</mark_cache_size></yandex>
E
echo '<yandex><profiles><default/></profiles><users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default></users><quotas><default/></quotas></yandex>' >u.xml
ln -sf /usr/share/zoneinfo/UTC /etc/localtime; export TZ=UTC
back clickhouse-server --config-file=c.xml; port 7119 200
c() { clickhouse-client --host 127.0.0.1 --port 7119 --query "$1" 2>>client.log; }
c 'create table t (d Date, k UInt32) engine = MergeTree(d, k, 8192)' || die create
c "insert into t select toDate('2020-01-01'), number from system.numbers limit 100000" || die insert
[ "$(c 'select sum(k) from t')" = 4999950000 ] || die sum; [ "$(curl -s 'http://127.0.0.1:7118/?query=select%2042')" = 42 ] || die http
