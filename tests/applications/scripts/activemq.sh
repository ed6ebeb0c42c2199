J=/usr/lib/jvm/java-17-openjdk-amd64/bin/java; mkdir d
cat >a.xml <<E
<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd"><broker xmlns="http://activemq.apache.org/schema/core" brokerName="b" dataDirectory="$T/d" useJmx="false"><persistenceAdapter><kahaDB directory="$T/d/k"/></persistenceAdapter><transportConnectors><transportConnector name="s" uri="stomp://127.0.0.1:7158"/></transportConnectors></broker></beans>
E
back $J -cp '/usr/share/java/*' -Dactivemq.home=/usr/share/activemq -Dactivemq.base="$T" -Dactivemq.data="$T/d" org.apache.activemq.console.Main start "xbean:file:$T/a.xml"
port 7158 300; (printf 'CONNECT\n\n\0'; sleep 1; printf 'SEND\ndestination:/queue/q\npersistent:true\n\nhello\0'; printf 'SUBSCRIBE\nid:1\ndestination:/queue/q\n\n\0'; sleep 4) | nc -q 1 127.0.0.1 7158 | grep -aq hello || die message
