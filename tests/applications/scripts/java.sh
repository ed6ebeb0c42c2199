J=/usr/lib/jvm/java-17-openjdk-amd64/bin/java
for gc in G1 Parallel Serial; do $J -XX:+Use${gc}GC -Xmx128m -XshowSettings:all -version >java.log 2>&1 || die "$gc"; done
grep -q -i openjdk java.log || die run
