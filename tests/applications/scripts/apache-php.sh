mkdir w; echo '<?php echo 6*7, "-hello";' >w/x.php
printf 'ServerName x\nListen 127.0.0.1:7180\nPidFile %s/p\nDocumentRoot %s/w\nErrorLog %s/error.log\nUser nobody\nGroup nogroup\n' "$T" "$T" "$T" >a.conf
for m in mpm_prefork authz_core dir mime; do echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so" >>a.conf; done
printf 'LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\nTypesConfig /etc/mime.types\n<FilesMatch "\\.php$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n' >>a.conf; touch /etc/mime.types
apache2 -f "$T/a.conf" >start.log 2>&1 || die start; port 7180; [ "$(curl -s http://127.0.0.1:7180/x.php)" = 42-hello ] || die get
