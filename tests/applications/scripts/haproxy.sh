mkdir w; echo hello >w/index.html; (cd w && exec python3 -m http.server 7006 --bind 127.0.0.1 >/dev/null 2>&1) &
printf 'global\n maxconn 200\ndefaults\n mode http\n timeout connect 2s\n timeout client 5s\n timeout server 5s\nfrontend f\n bind 127.0.0.1:7007\n default_backend b\nbackend b\n server s 127.0.0.1:7006\n' >h.cfg
port 7006; back haproxy -f h.cfg; port 7007
[ "$(curl -s http://127.0.0.1:7007/index.html)" = hello ] || die get
