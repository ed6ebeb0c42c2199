sqlite3 x.db 'pragma journal_mode=wal; create table t(a)' >s.log
for i in 1 2 3; do (sqlite3 -cmd '.timeout 20000' x.db 'insert into t values(1); insert into t values(2);' >>s.log 2>&1) & done; wait
[ "$(sqlite3 x.db 'select count(*) from t')" = 6 ] || die count
