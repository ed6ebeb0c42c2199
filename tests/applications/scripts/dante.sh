mkdir w; echo hello >w/i; (cd w && exec python3 -m http.server 7178 --bind 127.0.0.1 >/dev/null 2>&1) &
port 7178; printf 'logoutput: stderr\ninternal: 127.0.0.1 port = 7179\nexternal: 127.0.0.1\nclientmethod: none\nsocksmethod: none\nuser.privileged: root\nuser.unprivileged: nobody\nclient pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\nsocks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n' >d.conf
back danted -f d.conf; port 7179; [ "$(curl -s -m 20 --socks5 127.0.0.1:7179 http://127.0.0.1:7178/i)" = hello ] || die get
