printf '%%!PS\n/Helvetica findfont 40 scalefont setfont 100 100 moveto (hello) show showpage\n' >a.ps
gs -q -dNOPAUSE -dBATCH -sDEVICE=pdfwrite -sOutputFile=a.pdf a.ps >gs.log 2>&1 || die pdf; gs -q -dNOPAUSE -dBATCH -sDEVICE=png16m -r50 -sOutputFile=a.png a.pdf >gs.log 2>&1 || die png
[ "$(head -c 4 a.pdf)" = %PDF ] && [ -s a.png ] || die files
