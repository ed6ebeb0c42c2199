back memcached -u nobody -p 7002 -l 127.0.0.1 -t 4
port 7002
printf 'set k 0 60 5\r\nhello\r\nget k\r\nquit\r\n' | nc -q 3 127.0.0.1 7002 | grep -q hello || die get
