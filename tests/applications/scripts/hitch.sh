mkdir w; echo hello >w/i; (cd w && exec python3 -m http.server 7148 --bind 127.0.0.1 >/dev/null 2>&1) &
port 7148; openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=localhost -keyout key.pem -out crt.pem >openssl.log 2>&1 || die openssl
cat key.pem crt.pem >both.pem; back hitch --user=nobody --frontend='[127.0.0.1]:7149' --backend='[127.0.0.1]:7148' --workers=2 both.pem; port 7149
[ "$(curl -sk https://127.0.0.1:7149/i)" = hello ] || die get
