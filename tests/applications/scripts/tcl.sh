cat >x.tcl <<'E'
proc a {s h p} {puts $s hello; close $s}
socket -server a -myaddr 127.0.0.1 7106
set c [socket -async 127.0.0.1 7106]; fileevent $c readable {gets $c l; puts $l; set done 1}
vwait done; puts [exec echo child]
E
tclsh x.tcl >out.txt 2>tcl.log || die tcl; grep -q hello out.txt && grep -q child out.txt || die answer
