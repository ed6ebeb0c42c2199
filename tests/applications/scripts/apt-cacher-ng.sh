mkdir w c l; echo hello >w/Packages; (cd w && exec python3 -m http.server 7162 --bind 127.0.0.1 >/dev/null 2>&1) &
port 7162; back apt-cacher-ng ForeGround=1 Port=7163 BindAddress=127.0.0.1 CacheDir="$T/c" LogDir="$T/l" SupportDir=/usr/lib/apt-cacher-ng AllowUserPorts=0 'VfilePatternEx: .*'; port 7163
curl -s http://127.0.0.1:7163/acng-report.html | grep -q -i 'apt-cacher' || die report
