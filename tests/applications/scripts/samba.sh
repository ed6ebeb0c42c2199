mkdir s lock; chmod 777 s; printf '[global]\nsmb ports = 7060\ninterfaces = 127.0.0.1\nbind interfaces only = yes\nlock directory = %s/lock\nstate directory = %s/lock\ncache directory = %s/lock\npid directory = %s/lock\nprivate dir = %s/lock\nncalrpc dir = %s/lock/n\nmap to guest = Bad User\nguest account = nobody\nload printers = no\ndisable spoolss = yes\n[s]\npath = %s/s\nguest ok = yes\nread only = no\n' "$T" "$T" "$T" "$T" "$T" "$T" "$T" >s.conf
back smbd -F --no-process-group -s s.conf --debug-stdout; port 7060; echo hello >f
smbclient -s s.conf -p 7060 -N //127.0.0.1/s -c 'put f' >c.log 2>&1 || die put
grep -q hello s/f || die file
