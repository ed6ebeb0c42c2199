touch torrc
back tor -f "$T/torrc" --SocksPort 127.0.0.1:7072 --DataDirectory "$T/d" --DisableNetwork 1 --ControlPort 127.0.0.1:7073 --RunAsDaemon 0; port 7073
(printf 'AUTHENTICATE ""\r\nGETINFO version\r\n'; sleep 1) | nc -q 1 127.0.0.1 7073 | grep -q version= || die control
