mkdir w; echo hello >w/index.html; (cd w && exec python3 -m http.server 7015 --bind 127.0.0.1 >/dev/null 2>&1) &
port 7015; varnishd -j none -n "$T/v" -P "$T/p" -a 127.0.0.1:7016 -b 127.0.0.1:7015 -s malloc,64m >v.log 2>&1 || die varnishd
port 7016; [ "$(curl -s http://127.0.0.1:7016/index.html)" = hello ] || die get
