J=/usr/lib/jvm/java-17-openjdk-amd64/bin/java; C="/usr/share/java/*:/etc/zookeeper/conf"
printf 'tickTime=500\ndataDir=%s/d\nclientPort=7101\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=ruok,stat\n' "$T" >z.cfg
back $J -cp "$C" org.apache.zookeeper.server.quorum.QuorumPeerMain "$T/z.cfg"
port 7101 300; until_says imok sh -c 'echo ruok | nc -q 2 127.0.0.1 7101'
$J -cp "$C" org.apache.zookeeper.ZooKeeperMain -server 127.0.0.1:7101 create /k hello >create.log 2>&1
$J -cp "$C" org.apache.zookeeper.ZooKeeperMain -server 127.0.0.1:7101 get /k 2>get.log | grep -q hello || die get
