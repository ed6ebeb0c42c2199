mkdir w; echo hello >w/index.html; (cd w && exec python3 -m http.server 7017 --bind 127.0.0.1 >/dev/null 2>&1) &
port 7017
printf 'http_port 127.0.0.1:7018\nhttp_access allow all\ncache_effective_user nobody\npid_filename %s/p\naccess_log none\ncache_log %s/cache.log\ncoredump_dir %s\npinger_enable off\nvisible_hostname x\n' "$T" "$T" "$T" >s.conf
chown nobody .; back squid -N -f "$T/s.conf"; port 7018
[ "$(curl -s -x http://127.0.0.1:7018 http://127.0.0.1:7017/index.html)" = hello ] || die get
