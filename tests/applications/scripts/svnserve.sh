svnadmin create r && printf '[general]\nanon-access = write\n' >r/conf/svnserve.conf
back svnserve -d --foreground --listen-host 127.0.0.1 --listen-port 7134 -r "$T"; port 7134
svn co -q svn://127.0.0.1:7134/r c >co.log 2>&1 || die checkout; echo hello >c/f; svn add -q c/f && svn ci -q -m 1 c >ci.log 2>&1 || die commit; svn cat svn://127.0.0.1:7134/r/f | grep -q hello || die cat
