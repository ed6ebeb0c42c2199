mkdir -p s/a; printf '#!/bin/sh\necho started >>%s/o\nexec sleep 60\n' "$T" >s/a/run; chmod +x s/a/run
back runsvdir "$T/s"; until_says started cat o; until_says run: sv status "$T/s/a"; sv -w 20 restart "$T/s/a" >sv.log 2>&1 || die restart; until_says 'started.*started' sh -c 'tr "\\n" " " <o'
