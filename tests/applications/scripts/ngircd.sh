printf '[Global]\nName=x.test\nInfo=x\nListen=127.0.0.1\nPorts=7071\nServerUID=nobody\nServerGID=nogroup\nMotdPhrase=hi\n[Options]\nDNS=no\nIdent=no\nPAM=no\n' >n.conf
back ngircd -n -f "$T/n.conf"; port 7071; (printf 'NICK a\r\nUSER a 0 * :a\r\n'; sleep 1) | nc -q 1 127.0.0.1 7071 | grep -q 001 || die welcome
