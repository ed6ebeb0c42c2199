printf 'listener 7028 127.0.0.1\nallow_anonymous true\nuser nobody\n' >m.conf
back mosquitto -c m.conf; port 7028
mosquitto_sub -p 7028 -t a/b -C 1 -W 10 >sub.txt & S=$!; sleep 1
mosquitto_pub -p 7028 -t a/b -m hello -q 1 || die pub
wait $S; grep -q hello sub.txt || die sub
