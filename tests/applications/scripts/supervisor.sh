printf '[supervisord]\nnodaemon=true\nlogfile=%s/s.log\npidfile=%s/p\nuser=root\n[program:a]\ncommand=sh -c "echo hello >%s/o; sleep 60"\n' "$T" "$T" "$T" >s.conf
back supervisord -c s.conf; until_says hello cat o
