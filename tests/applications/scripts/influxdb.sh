printf 'bind-address="127.0.0.1:7047"\nreporting-disabled=true\n[meta]\n dir="%s/m"\n[data]\n dir="%s/d"\n wal-dir="%s/w"\n[http]\n bind-address="127.0.0.1:7048"\n' "$T" "$T" "$T" >i.conf
back influxd -config i.conf; port 7048
curl -s -XPOST http://127.0.0.1:7048/query --data-urlencode 'q=create database x' >c.log; curl -s -XPOST 'http://127.0.0.1:7048/write?db=x' --data-binary 'm v=42' || die write
curl -s -G http://127.0.0.1:7048/query --data-urlencode db=x --data-urlencode 'q=select * from m' | grep -q 42 || die select
