cat >i.xml <<X
<icecast><limits><sources>2</sources></limits><authentication><source-password>x</source-password></authentication><listen-socket><port>7050</port><bind-address>127.0.0.1</bind-address></listen-socket><paths><basedir>/usr/share/icecast2</basedir><logdir>$T</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths><logging><errorlog>e.log</errorlog></logging><security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group></changeowner></security></icecast>
X
chmod 777 .; back icecast2 -c i.xml; port 7050; curl -s http://127.0.0.1:7050/status-json.xsl | grep -q icestats || die status
