printf '#!/bin/sh\necho hello $1\n' >s.sh; chmod +x s.sh; printf '[{"id":"h","execute-command":"%s/s.sh","include-command-output-in-response":true,"pass-arguments-to-command":[{"source":"url","name":"n"}]}]' "$T" >h.json
back webhook -hooks h.json -ip 127.0.0.1 -port 7166; port 7166; curl -s 'http://127.0.0.1:7166/hooks/h?n=42' | grep -q 'hello 42' || die hook
