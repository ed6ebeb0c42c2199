mkdir w; echo hello >w/index.html
cat >n.conf <<X
user nobody nogroup; worker_processes 2; pid $T/p; error_log $T/error.log;
events { worker_connections 512; }
http { access_log off; sendfile on; tcp_nopush off; client_body_temp_path $T/b; proxy_temp_path $T/pr; fastcgi_temp_path $T/f; uwsgi_temp_path $T/u; scgi_temp_path $T/s;
server { listen 127.0.0.1:7003; root $T/w; } server { listen 127.0.0.1:7004; location / { proxy_pass http://127.0.0.1:7003; } } }
X
nginx -c "$T/n.conf" || die start
port 7003
[ "$(curl -s http://127.0.0.1:7004/)" = hello ] || die proxy
ab -q -n 300 -c 10 http://127.0.0.1:7003/ >ab.log 2>&1; grep -q 'Complete requests: *300' ab.log || die ab
nginx -c "$T/n.conf" -s quit || die stop
