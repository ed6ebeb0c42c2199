echo '<p id=a></p><script>document.getElementById("a").textContent = "sum " + (40 + 2)</script>' >x.html
timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$T/p" --dump-dom "file://$T/x.html" >o.html 2>c.log
grep -q 'sum 42' o.html || die dom
