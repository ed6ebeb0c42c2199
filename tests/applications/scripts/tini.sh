[ "$(tini -s -- sh -c 'echo hello')" = hello ] || die run; tini -s -- sh -c 'exit 7'; [ $? = 7 ] || die code
tini -s -g -- sh -c 'sleep 60 & (trap "echo term >o; exit 0" TERM; echo ready >r; while :; do sleep 0.1; done)' & P=$!; until_says ready cat r; kill -TERM $P; until_says term cat o
