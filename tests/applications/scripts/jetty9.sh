export JETTY_HOME=/usr/share/jetty9; mkdir -p b/webapps/x b/logs; echo hello >b/webapps/x/i.txt
back /usr/lib/jvm/java-17-openjdk-amd64/bin/java -jar /usr/share/jetty9/start.jar jetty.home=/usr/share/jetty9 "jetty.base=$T/b" --module=http,deploy jetty.http.host=127.0.0.1 jetty.http.port=7104
port 7104 300; until_says hello curl -s http://127.0.0.1:7104/x/i.txt
