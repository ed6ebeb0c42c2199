back dnsmasq -k -C /dev/null --no-resolv --no-hosts --listen-address=127.0.0.1 --bind-interfaces -p 7021 --address=/a.t/1.2.3.4 --user=nobody --pid-file="$T/p"
until_says 1.2.3.4 dig +short +time=1 +tries=1 @127.0.0.1 -p 7021 a.t
