mkdir d r; printf 'server:\n  rundir: "%s/r"\n  listen: 127.0.0.1@7142\nlog:\n  - target: stderr\n    any: warning\ndatabase:\n  storage: "%s/d"\nzone:\n  - domain: example.com\n    file: "%s/z"\n' "$T" "$T" "$T" >k.conf
printf '$ORIGIN example.com.\n$TTL 60\n@ SOA ns a 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.7\n' >z
back knotd -c k.conf; until_says 192.0.2.7 dig +short +time=1 +tries=1 @127.0.0.1 -p 7142 www.example.com; dig +tcp +short @127.0.0.1 -p 7142 www.example.com | grep -q 192.0.2.7 || die tcp
