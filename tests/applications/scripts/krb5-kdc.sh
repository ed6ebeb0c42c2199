printf '[libdefaults]\n default_realm=X\n[realms]\n X={\n kdc=127.0.0.1:7062\n}\n[kdcdefaults]\n kdc_ports=7062\n kdc_tcp_ports=7062\n' >k.conf; export KRB5_CONFIG=$T/k.conf KRB5_KDC_PROFILE=$T/kdc.conf
printf '[kdcdefaults]\n kdc_ports=7062\n kdc_tcp_ports=7062\n[realms]\n X={\n database_name=%s/db\n key_stash_file=%s/st\n}\n' "$T" "$T" >kdc.conf
kdb5_util create -s -r X -P p >c.log 2>&1 || die create
kadmin.local -r X -q 'addprinc -pw s u' >>c.log 2>&1; back krb5kdc -n; sleep 1
echo s | KRB5CCNAME=FILE:$T/cc kinit u@X >kinit.log 2>&1 || die kinit
