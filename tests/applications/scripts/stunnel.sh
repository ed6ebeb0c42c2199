openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 -subj /CN=x >o.log 2>&1; mkdir w; echo hello >w/index.html; (cd w && exec python3 -m http.server 7069 --bind 127.0.0.1 >/dev/null 2>&1) &
printf 'foreground=yes\npid=\n[a]\naccept=127.0.0.1:7070\nconnect=127.0.0.1:7069\ncert=%s/c.pem\nkey=%s/k.pem\n' "$T" "$T" >s.conf; port 7069
back stunnel4 s.conf; port 7070; [ "$(curl -sk https://127.0.0.1:7070/index.html)" = hello ] || die get
