back nats-server -a 127.0.0.1 -p 7029 -js -sd "$T/js"
port 7029
(printf 'CONNECT {"verbose":false}\r\nSUB a 1\r\nPUB a 5\r\nhello\r\nPING\r\n'; sleep 1) | nc -q 2 127.0.0.1 7029 | grep -q hello || die pub
