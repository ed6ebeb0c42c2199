printf '$TTL 60\n@ IN SOA a. a. 1 1 1 1 1\n@ IN NS a.t.\na IN A 1.2.3.4\n' >t
printf 'server:\n ip-address: 127.0.0.1\n port: 7022\n username: ""\n chroot: ""\n pidfile: "%s/p"\n database: ""\n zonesdir: "%s"\n xfrdfile: "%s/x"\n zonelistfile: "%s/zl"\n xfrdir: "%s"\nremote-control:\n control-enable: no\nzone:\n name: t\n zonefile: t\n' "$T" "$T" "$T" "$T" "$T" >n.conf
back nsd -d -c n.conf
until_says 1.2.3.4 dig +short +time=1 +tries=1 @127.0.0.1 -p 7022 a.t
