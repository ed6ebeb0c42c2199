# Put before every script here: a folder of its own, and a few words. Prints OK when all went well.
set -u
export LC_ALL=C HOME=/tmp PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
T=/tmp/work
mkdir -p -m 755 "$T" && cd "$T" || exit 1
echo "127.0.0.1 localhost $(hostname)" >/etc/hosts
mkdir -p /run /var/log /dev/shm && chmod 1777 /dev/shm 2>/dev/null
die() { echo "FAILED: $*"; tail -n 15 ./*.log 2>/dev/null; exit 1; }
as() { user=$1; shift; setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; }
back() { "$@" >daemon.log 2>&1 & }
port() { # until somebody listens
  tries=0
  until nc -z 127.0.0.1 "$1" 2>/dev/null; do
    tries=$((tries + 1)); [ "$tries" -gt "${2:-150}" ] && die "nobody listens on port $1"
    sleep 0.2
  done
}
until_says() { # WORD COMMAND...: until the command's output has the word
  word=$1; shift; tries=0
  until "$@" 2>>tries.log | grep -q "$word"; do
    tries=$((tries + 1)); [ "$tries" -gt 100 ] && die "$1 never said $word"
    sleep 0.3
  done
}
