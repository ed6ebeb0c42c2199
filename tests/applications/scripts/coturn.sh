back turnserver -n --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 -p 7051 --no-tls --no-dtls --no-auth --log-file=stdout --pidfile="$T/p" --userdb="$T/db"
port 7051
