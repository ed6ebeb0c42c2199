back phc2sys -s CLOCK_REALTIME -c CLOCK_REALTIME -O 0 -m; sleep 3; kill -0 $! || die ended
grep -q 'failed to adjust the clock' daemon.log && die clock
