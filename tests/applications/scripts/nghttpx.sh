mkdir w; echo hello >w/i; (cd w && exec python3 -m http.server 7146 --bind 127.0.0.1 >/dev/null 2>&1) &
port 7146; back nghttpx -f '127.0.0.1,7147;no-tls' -b 127.0.0.1,7146 --workers=2 --errorlog-file="$T/nghttpx.log"; port 7147
[ "$(curl -s --http2-prior-knowledge http://127.0.0.1:7147/i)" = hello ] || die h2c; [ "$(nghttp -n -s http://127.0.0.1:7147/i 2>&1 | grep -c 200)" -ge 1 ] || die nghttp
