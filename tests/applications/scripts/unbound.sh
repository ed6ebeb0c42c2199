printf 'server:\n interface: 127.0.0.1\n port: 7019\n do-daemonize: no\n username: ""\n chroot: ""\n pidfile: "%s/p"\n directory: "%s"\n use-syslog: no\n num-threads: 2\n local-zone: "t." static\n local-data: "a.t. A 1.2.3.4"\n' "$T" "$T" >u.conf
back unbound -d -c u.conf
until_says 1.2.3.4 dig +short +time=1 +tries=1 @127.0.0.1 -p 7019 a.t
