groonga -n x.db table_create --name T --flags TABLE_HASH_KEY --key_type ShortText >c.log 2>&1 || die create
back groonga -s --protocol http --bind-address 127.0.0.1 -p 7160 x.db; port 7160
curl -s 'http://127.0.0.1:7160/d/load?table=T' -H 'content-type: application/json' -d '[{"_key":"hello"}]' >load.log; curl -s 'http://127.0.0.1:7160/d/select?table=T' | grep -q hello || die select
