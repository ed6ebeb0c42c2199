mkdir l; export FIREBIRD_LOCK=$T/l FIREBIRD=/usr/lib/firebird/3.0
echo "create database '$T/x.fdb'; create table t(a int); commit; insert into t values (42); commit; select * from t;" | isql-fb -q 2>f.log | grep -q 42 || die isql
