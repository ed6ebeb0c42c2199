mkdir w; echo hello >w/i; (cd w && exec python3 -m http.server 7175 --bind 127.0.0.1 >/dev/null 2>&1) &
port 7175; back ss-server -s 127.0.0.1 -p 7176 -k p -m aes-256-gcm; (ss-local -s 127.0.0.1 -p 7176 -b 127.0.0.1 -l 7177 -k p -m aes-256-gcm >local.log 2>&1 &); port 7176; port 7177
[ "$(curl -s --socks5 127.0.0.1:7177 http://127.0.0.1:7175/i)" = hello ] || die get
