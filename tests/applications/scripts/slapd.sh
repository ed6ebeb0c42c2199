mkdir d; cat >s.conf <<X
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $T/p
database mdb
maxsize 10485760
suffix "dc=x"
rootdn "cn=a,dc=x"
rootpw p
directory $T/d
X
back slapd -d 0 -f "$T/s.conf" -h ldap://127.0.0.1:7042
port 7042
printf 'dn: dc=x\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: x\n' | ldapadd -x -H ldap://127.0.0.1:7042 -D cn=a,dc=x -w p >add.log 2>&1 || die add
ldapsearch -x -H ldap://127.0.0.1:7042 -b dc=x 2>/dev/null | grep -q 'dc: x' || die search
