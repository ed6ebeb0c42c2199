back Xvfb :1 -screen 0 800x600x24 -nolisten tcp
tries=0; until [ -S /tmp/.X11-unix/X1 ]; do tries=$((tries + 1)); [ "$tries" -gt 100 ] && die socket; sleep 0.2; done
echo '<p>x</p>' >x.html
DISPLAY=:1 timeout 60 chromium --no-sandbox --disable-gpu --user-data-dir="$T/p" --app="file://$T/x.html" >c.log 2>&1 &
sleep 10; kill -0 $! || die browser
