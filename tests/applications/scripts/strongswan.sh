rm -f /var/run/charon.pid; back /usr/lib/ipsec/charon; sleep 4; kill -0 $! || die ended
grep -q 'aborting charon' daemon.log && die aborted; true
