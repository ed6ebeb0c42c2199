[ "$(dumb-init sh -c 'echo hello')" = hello ] || die run; dumb-init sh -c 'exit 7'; [ $? = 7 ] || die code
dumb-init sh -c 'trap "echo term >o; exit 0" TERM; echo ready >r; while :; do sleep 0.1; done' & P=$!; until_says ready cat r; kill -TERM $P; until_says term cat o
