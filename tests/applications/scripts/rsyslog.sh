printf 'module(load="imtcp")\ninput(type="imtcp" port="7057" address="127.0.0.1")\n*.* %s/out.txt\n' "$T" >r.conf
back rsyslogd -n -f "$T/r.conf" -i "$T/p"; port 7057
echo '<13>Jan  1 00:00:00 h t: hello' | nc -q 1 127.0.0.1 7057; until_says hello cat out.txt
