cat >r.rb <<'X'
require 'socket'; s=TCPServer.new('127.0.0.1',7038); t=Thread.new{c=s.accept;c.write 'hello';c.close}
c=TCPSocket.new('127.0.0.1',7038); raise unless c.read=='hello'; t.join
r,w=IO.pipe; pid=fork{w.write 'kid'}; Process.wait pid; w.close; raise unless r.read=='kid'
raise unless `echo sub`.strip=='sub'
X
ruby r.rb >ruby.log 2>&1 || die run
