cp -r /usr/share/dokuwiki w; rm -rf w/data w/conf; mkdir -p w/conf; cp -rL /usr/share/dokuwiki/data w/data 2>/dev/null || mkdir -p w/data; cp -r /etc/dokuwiki/* w/conf/ 2>/dev/null
for d in attic cache index locks media media_attic media_meta meta pages tmp; do mkdir -p w/data/$d; done; echo '====== hello ======' >w/data/pages/start.txt
printf '<?php $conf["savedir"] = "./data"; $conf["useacl"] = 0; $conf["title"] = "x";' >w/conf/local.php
back php8.2 -d extension=mbstring -d extension=xml -d extension=ctype -S 127.0.0.1:7154 -t w; port 7154; curl -sL 'http://127.0.0.1:7154/doku.php?id=start' >page.log; grep -q 'id="dokuwiki__site"' page.log || die get
