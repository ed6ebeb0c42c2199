printf 'daemonize=false\ninterfaces={"127.0.0.1"}\nc2s_ports={7067}\ns2s_ports={}\nhttp_ports={}\nhttps_ports={}\ndata_path="%s"\npidfile="%s/p"\nrun_as_root=true\nlog="*console"\nc2s_require_encryption=false\nmodules_enabled={"roster","saslauth"}\nmodules_disabled={"tls","s2s"}\nVirtualHost "x.test"\n' "$T" "$T" >p.cfg.lua
back prosody --config "$T/p.cfg.lua" -F --root; port 7067
(printf '<stream:stream to="x.test" xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" version="1.0">'; sleep 1) | nc -q 1 127.0.0.1 7067 | grep -q stream || die stream
