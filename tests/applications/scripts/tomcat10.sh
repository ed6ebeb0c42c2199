export CATALINA_HOME=/usr/share/tomcat10 CATALINA_BASE=$T/b JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64
mkdir -p b/conf b/logs b/temp b/work b/webapps/ROOT; echo '<html><%= 6*7 %>-hello</html>' >b/webapps/ROOT/i.jsp
cp /usr/share/tomcat10/etc/web.xml b/conf/ 2>/dev/null || cp /etc/tomcat10/web.xml b/conf/
cat >b/conf/server.xml <<'S'
<Server port="-1"><Service name="Catalina"><Connector port="7103" address="127.0.0.1"/><Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine></Service></Server>
S
back sh /usr/share/tomcat10/bin/catalina.sh run; port 7103 300
until_says 42-hello curl -s http://127.0.0.1:7103/i.jsp
