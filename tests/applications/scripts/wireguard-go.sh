export LOG_LEVEL=error WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1
wireguard-go -f wg0 >a.log 2>&1 & wireguard-go -f wg1 >b.log 2>&1 & sleep 2
wg genkey >k0; wg genkey >k1; p0=$(wg pubkey <k0); p1=$(wg pubkey <k1)
wg set wg0 listen-port 7100 private-key k0 peer "$p1" allowed-ips 10.9.0.2/32 endpoint 127.0.0.1:7101 persistent-keepalive 1 || die set
wg set wg1 listen-port 7101 private-key k1 peer "$p0" allowed-ips 10.9.0.1/32 endpoint 127.0.0.1:7100 persistent-keepalive 1 || die set
ip link set wg0 up || die up; ip link set wg1 up || die up
until_says 1 sh -c 'wg show wg1 latest-handshakes | awk "{print (\$2>0)}"'
