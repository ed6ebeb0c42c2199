mkdir src; for i in $(seq 100); do echo "file $i" >src/"$i"; done; export RESTIC_PASSWORD=x
restic -r r init >a.log 2>&1 || die init; restic -r r backup src >>a.log 2>&1 || die backup
restic -r r check >>a.log 2>&1 || die check; restic -r r restore latest --target out >>a.log 2>&1 || die restore
[ "$(cat src/* | cksum)" = "$(find out -type d -name src -exec sh -c 'cat "$1"/*' _ {} ';' | cksum)" ] || die differs
