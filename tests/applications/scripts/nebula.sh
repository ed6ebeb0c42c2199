nebula-cert ca -name t >a.log 2>&1 || die ca; nebula-cert sign -name a -ip 10.8.0.1/24 >>a.log 2>&1 || die sign
printf 'pki: {ca: %s/ca.crt, cert: %s/a.crt, key: %s/a.key}\nstatic_host_map: {}\nlighthouse: {am_lighthouse: true}\nlisten: {host: 127.0.0.1, port: 7242}\ntun: {disabled: true}\nfirewall: {outbound: [{port: any, proto: any, host: any}], inbound: [{port: any, proto: any, host: any}]}\n' "$T" "$T" "$T" >c.yml
back nebula -config c.yml; until_says 'interface is active' cat daemon.log; kill -0 $! || die ended
