back beanstalkd -l 127.0.0.1 -p 7032 -b "$T"
port 7032
(printf 'put 0 0 10 5\r\nhello\r\nreserve\r\n'; sleep 1) | nc -q 2 127.0.0.1 7032 | grep -q hello || die reserve
