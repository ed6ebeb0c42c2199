printf 'local stratum 1\nallow\nport 7064\ncmdport 0\nbindaddress 127.0.0.1\npidfile %s/p\n' "$T" >c.conf
back chronyd -x -d -u root -f c.conf; sleep 1
timeout 15 chronyd -Q -t 8 -u root "server 127.0.0.1 port 7064 iburst maxsamples 1" "pidfile $T/p2" "cmdport 0" >q.log 2>&1 || die query
