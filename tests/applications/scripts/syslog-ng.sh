printf '@version: 3.38\noptions { stats_freq(0); use-dns(no); };\nsource s { network(ip(127.0.0.1) port(7173) transport(tcp)); };\ndestination d { file("%s/o"); };\nlog { source(s); destination(d); };\n' "$T" >s.conf
back syslog-ng -F --no-caps -f s.conf -R "$T/persist" -p "$T/pid" -c "$T/ctl"; port 7173; echo '<13>Jan  1 00:00:00 h t: hello' | nc -q 1 127.0.0.1 7173; until_says hello cat o
