back pdns_recursor --config-dir="$T" --socket-dir="$T" --local-address=127.0.0.1 --local-port=7024 --daemon=no --forward-zones= --export-etc-hosts=no --setuid= --setgid= --chroot= --auth-zones=t=t.zone
printf '$TTL 60\n@ IN SOA a. a. 1 1 1 1 1\n@ IN NS a.t.\na IN A 1.2.3.4\n' >t.zone
until_says 1.2.3.4 dig +short +time=1 +tries=1 @127.0.0.1 -p 7024 a.t
