chown nobody .; printf '[databases]\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=7074\nauth_type=any\nadmin_users=a\nunix_socket_dir=\n' >p.ini
back setpriv --reuid=nobody --regid=nogroup --clear-groups pgbouncer p.ini; port 7074; psql -h 127.0.0.1 -p 7074 -U a pgbouncer -c 'show version' 2>q.log | grep -q -i pgbouncer || die show
