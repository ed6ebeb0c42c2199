printf '[global]\nerror_log=%s/e.log\ndaemonize=no\n[w]\nuser=nobody\ngroup=nogroup\nlisten=127.0.0.1:7039\npm=dynamic\npm.max_children=4\npm.start_servers=2\npm.min_spare_servers=1\npm.max_spare_servers=3\n' "$T" >f.conf
echo '<?php echo 6*7, "-hello";' >x.php
back php-fpm8.2 -n -y f.conf; port 7039
SCRIPT_FILENAME=$T/x.php REQUEST_METHOD=GET cgi-fcgi -bind -connect 127.0.0.1:7039 | grep -q 42-hello || die get
