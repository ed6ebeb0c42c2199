printf '$TTL 60\n@ IN SOA a. a. 1 1 1 1 1\n@ IN NS a.t.\na IN A 1.2.3.4\n' >t.zone
echo 'zone "t" { type master; file "t.zone"; };' >b.conf
back pdns_server --config-dir="$T" --socket-dir="$T" --launch=bind --bind-config="$T/b.conf" --local-address=127.0.0.1 --local-port=7025 --daemon=no --guardian=no --setuid= --setgid= --module-dir="$(dirname "$(find /usr/lib -name libbindbackend.so | head -1)")"
until_says 1.2.3.4 dig +short +time=1 +tries=1 @127.0.0.1 -p 7025 a.t
