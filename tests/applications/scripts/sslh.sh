mkdir w; echo hello >w/i; (cd w && exec python3 -m http.server 7150 --bind 127.0.0.1 >/dev/null 2>&1) &
port 7150; back sslh-select -f -u nobody -p 127.0.0.1:7151 --http 127.0.0.1:7150; port 7151; [ "$(curl -s http://127.0.0.1:7151/i)" = hello ] || die get
