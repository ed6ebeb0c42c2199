back victoria-metrics -storageDataPath="$T/d" -httpListenAddr=127.0.0.1:7161 -search.latencyOffset=0; port 7161
curl -s -d 'm,l=a v=42' http://127.0.0.1:7161/write || die write; curl -s http://127.0.0.1:7161/internal/force_flush >/dev/null; until_says 42 curl -s 'http://127.0.0.1:7161/api/v1/export?match=m_v'
