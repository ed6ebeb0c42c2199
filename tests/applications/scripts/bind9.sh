mkdir z; printf '$TTL 60\n@ IN SOA a. a. 1 1 1 1 1\n@ IN NS a.t.\na IN A 1.2.3.4\n' >z/t
printf 'options { directory "%s"; listen-on port 7020 { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file "%s/p"; session-keyfile "%s/k"; };\ncontrols {};\nzone "t" { type primary; file "z/t"; };\n' "$T" "$T" "$T" >n.conf
back named -g -c "$T/n.conf"
until_says 1.2.3.4 dig +short +time=1 +tries=1 @127.0.0.1 -p 7020 a.t
dig +tcp +short @127.0.0.1 -p 7020 a.t | grep -q 1.2.3.4 || die tcp
