mkdir -p s c/ppd /run/cups/certs l; printf 'Listen 127.0.0.1:7126\nDefaultAuthType None\n<Location />\nOrder allow,deny\nAllow all\n</Location>\n<Policy default>\n<Limit All>\nOrder deny,allow\n</Limit>\n</Policy>\n' >c/cupsd.conf
printf 'ServerRoot %s/c\nRequestRoot %s/s\nCacheDir %s/c\nStateDir %s/c\nDataDir /usr/share/cups\nAccessLog %s/l/a\nErrorLog %s/l/cups.log\nPageLog %s/l/p\nSystemGroup root\nUser lp\nGroup lp\nFileDevice yes\n' "$T" "$T" "$T" "$T" "$T" "$T" "$T" >c/cups-files.conf
back cupsd -f -c "$T/c/cupsd.conf" -s "$T/c/cups-files.conf"; port 7126
lpadmin -h 127.0.0.1:7126 -p q -E -v "file:///dev/null" -m raw >lpadmin.log 2>&1 || die lpadmin
echo hello | lp -h 127.0.0.1:7126 -d q >lp.log 2>&1 || die lp; until_says q-1 lpstat -h 127.0.0.1:7126 -W completed -o
