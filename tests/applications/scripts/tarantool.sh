cat >t.lua <<'X'
box.cfg{listen='127.0.0.1:7061', memtx_memory=33554432, wal_dir='.', memtx_dir='.'}
local s=box.schema.space.create('t'); s:create_index('p'); for i=1,100 do s:insert{i,'x'} end
local f=require('fiber'); box.snapshot(); assert(s:count()==100); print('fine'); os.exit(0)
X
tarantool t.lua >t.log 2>&1; grep -q fine t.log || die run
