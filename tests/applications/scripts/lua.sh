lua5.4 -e 'local t={} for i=1,1e5 do t[i]=i end local f=io.popen("echo child") print(#t, f:read("a")) local c=coroutine.wrap(function() coroutine.yield("hello") end) print(c())' >out.txt 2>lua.log || die lua
grep -q child out.txt && grep -q hello out.txt || die answer
