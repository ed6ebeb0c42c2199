printf '#!KAMAILIO\ndebug=1\nlog_stderror=yes\nfork=yes\nchildren=2\nlisten=udp:127.0.0.1:7075\nmpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"\nloadmodule "sl.so"\nrequest_route { sl_send_reply("200","hello"); }\n' >k.cfg
back kamailio -DD -E -f k.cfg -P "$T/p" -Y "$T"; sleep 2
printf 'OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:7076;branch=z9hG4bK1;rport\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:a@x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n' | nc -u -w 2 127.0.0.1 7075 | grep -q 200 || die reply
