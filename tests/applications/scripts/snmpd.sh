echo 'rocommunity public' >s.conf; back snmpd -f -Lo -C -c s.conf 127.0.0.1:7058
until_says Linux snmpget -v2c -c public -t 1 -r 1 127.0.0.1:7058 .1.3.6.1.2.1.1.1.0
