export HOME=$T RABBITMQ_NODENAME=r@localhost RABBITMQ_MNESIA_BASE="$T/m" RABBITMQ_LOG_BASE="$T" RABBITMQ_ENABLED_PLUGINS_FILE="$T/pl" RABBITMQ_PID_FILE="$T/p" RABBITMQ_CONFIG_FILE="$T/rabbitmq" ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=7030 RABBITMQ_CONF_ENV_FILE=/dev/null
echo '[rabbitmq_mqtt].' >pl; echo 'mqtt.listeners.tcp.1 = 127.0.0.1:7031' >rabbitmq.conf
back /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server
port 7031 250
mosquitto_sub -p 7031 -u guest -P guest -t a/b -C 1 -W 20 >sub.txt 2>&1 & S=$!
for i in 1 2 3 4 5 6; do mosquitto_pub -p 7031 -u guest -P guest -q 1 -t a/b -m hello >>pub.log 2>&1; sleep 1; grep -q hello sub.txt && break; done
wait $S; grep -q hello sub.txt || die "no message"
