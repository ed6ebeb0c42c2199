mkdir w; echo hello >w/index.html; (cd w && exec python3 -m http.server 7052 --bind 127.0.0.1 >/dev/null 2>&1) &
printf 'Port 7053\nListen 127.0.0.1\nTimeout 20\nMaxClients 10\n' >t.conf; port 7052
back tinyproxy -d -c t.conf; port 7053; [ "$(curl -s -x http://127.0.0.1:7053 http://127.0.0.1:7052/index.html)" = hello ] || die get
