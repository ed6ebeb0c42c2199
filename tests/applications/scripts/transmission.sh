back transmission-daemon -f -g "$T/c" -p 7065 -r 127.0.0.1 -w "$T" -P 7066 --no-portmap; port 7065; curl -s http://127.0.0.1:7065/transmission/rpc | grep -q -i session || die rpc
