mkdir w; ln -s /usr/share/adminer/adminer.php w/index.php 2>/dev/null; [ -e w/index.php ] || ln -s "$(ls /usr/share/adminer/adminer*.php | head -n 1)" w/index.php
back php8.2 -d extension=pdo -d extension=pdo_sqlite -d extension=sqlite3 -S 127.0.0.1:7153 -t w; port 7153; curl -sL http://127.0.0.1:7153/index.php | grep -q -i 'adminer' || die get
