mkdir w; echo hello >w/index.html; (cd w && exec python3 -m http.server 7054 --bind 127.0.0.1 >/dev/null 2>&1) &
printf 'listen-address 127.0.0.1:7055\nlogdir %s\n' "$T" >p.conf; port 7054
back privoxy --no-daemon p.conf; port 7055; [ "$(curl -s -x http://127.0.0.1:7055 http://127.0.0.1:7054/index.html)" = hello ] || die get
