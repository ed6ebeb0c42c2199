mkdir d; printf 'source s {\n type = xmlpipe2\n xmlpipe_command = cat %s/in.xml\n}\nindex i {\n source = s\n path = %s/d/i\n}\nindexer {\n}\nsearchd {\n listen = 127.0.0.1:7159:mysql41\n log = %s/searchd.log\n pid_file = %s/p\n binlog_path =\n}\n' "$T" "$T" "$T" "$T" >s.conf
echo '<?xml version="1.0" encoding="utf-8"?><sphinx:docset xmlns:sphinx="x"><sphinx:schema><sphinx:field name="t"/></sphinx:schema><sphinx:document id="7"><t>hello world</t></sphinx:document></sphinx:docset>' >in.xml
indexer --config s.conf --all >indexer.log 2>&1 || die indexer; back searchd --config s.conf --nodetach; port 7159
mariadb --skip-ssl -h 127.0.0.1 -P 7159 -N -e "select id from i where match('hello')" 2>query.log | grep -q 7 || die match
