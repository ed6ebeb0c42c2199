cat >x.exs <<'E'
IO.puts Enum.sum(Enum.map(Enum.map(1..20, fn i -> Task.async(fn -> i * i end) end), &Task.await/1))
{:ok, l} = :gen_tcp.listen(7105, [:binary, active: false, reuseaddr: true]); spawn(fn -> {:ok, s} = :gen_tcp.accept(l); :gen_tcp.send(s, "hello") end)
{:ok, c} = :gen_tcp.connect({127,0,0,1}, 7105, [:binary, active: false]); {:ok, d} = :gen_tcp.recv(c, 5); IO.puts d
{o, 0} = System.cmd("echo", ["child"]); IO.puts o
E
elixir x.exs >out.txt 2>elixir.log || die run; grep -q 2870 out.txt || die tasks; grep -q hello out.txt || die socket; grep -q child out.txt || die child
