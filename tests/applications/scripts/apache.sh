mkdir w; echo hello >w/index.html
printf 'ServerName x\nListen 127.0.0.1:7005\nPidFile %s/p\nDocumentRoot %s/w\nErrorLog %s/error.log\nUser nobody\nGroup nogroup\n' "$T" "$T" "$T" >a.conf
for m in mpm_event authz_core dir mime alias; do echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so" >>a.conf; done
echo "TypesConfig /etc/mime.types" >>a.conf; touch /etc/mime.types
apache2 -f "$T/a.conf" >start.log 2>&1 || die start
port 7005
[ "$(curl -s http://127.0.0.1:7005/index.html)" = hello ] || die get
