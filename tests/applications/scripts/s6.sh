mkdir -p s/a; printf '#!/bin/sh\necho started >>%s/o\nexec sleep 60\n' "$T" >s/a/run; chmod +x s/a/run
back s6-svscan "$T/s"; until_says started cat o; until_says up s6-svstat "$T/s/a"; s6-svc -wr -T 20000 -r "$T/s/a" >svc.log 2>&1 || die restart; [ "$(grep -c started o)" -ge 2 ] || die twice
