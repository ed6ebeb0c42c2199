openssl genrsa -out k.pem 2048 >k.log 2>&1; chown nobody k.pem; printf 'Domain x\nKeyFile %s/k.pem\nSelector s\nSocket inet:7168@127.0.0.1\nMode s\nUserID nobody\nRequireSafeKeys no\n' "$T" >o.conf
chmod 755 .; back opendkim -f -x o.conf; port 7168
