mkdir w; echo hello >w/i; printf 'user: nobody\nlisten: {host: 127.0.0.1, port: 7152}\nnum-threads: 2\nhosts:\n  default:\n    paths:\n      /:\n        file.dir: %s/w\n' "$T" >h.conf; chmod 755 w
back h2o -c h.conf; port 7152; [ "$(curl -s http://127.0.0.1:7152/i)" = hello ] || die get; [ "$(curl -s --http2-prior-knowledge http://127.0.0.1:7152/i)" = hello ] || die h2
