back iperf3 -s -1 -B 127.0.0.1 -p 7063; sleep 1; iperf3 -c 127.0.0.1 -p 7063 -t 1 >i.log 2>&1 || die client
