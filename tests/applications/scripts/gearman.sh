back gearmand --listen=127.0.0.1 --port=7033 --log-file=stderr
port 7033
(gearman -h 127.0.0.1 -p 7033 -w -c 1 -f wc -- wc -l >worker.log 2>&1 &) ; sleep 1
printf 'a\nb\n' | gearman -h 127.0.0.1 -p 7033 -f wc | grep -q 2 || die job
