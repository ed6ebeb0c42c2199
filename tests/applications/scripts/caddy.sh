mkdir w; echo hello >w/index.html; export XDG_DATA_HOME=$T XDG_CONFIG_HOME=$T
back caddy file-server --listen 127.0.0.1:7045 --root "$T/w"; port 7045; [ "$(curl -s http://127.0.0.1:7045/)" = hello ] || die get
