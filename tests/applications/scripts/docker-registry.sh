printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s/d}}\nhttp: {addr: "127.0.0.1:7049"}\n' "$T" >r.yml
back docker-registry serve r.yml; port 7049; curl -s http://127.0.0.1:7049/v2/_catalog | grep -q repositories || die catalog
