mkdir w; echo hello >w/index.html
printf 'server.document-root="%s/w"\nserver.port=7044\nserver.bind="127.0.0.1"\nindex-file.names=("index.html")\n' "$T" >l.conf
back lighttpd -D -f l.conf; port 7044; [ "$(curl -s http://127.0.0.1:7044/)" = hello ] || die get
