guile-3.0 --no-auto-compile -c '(use-modules (ice-9 threads) (ice-9 popen) (ice-9 rdelim)) (display (apply + (par-map (lambda (i) (* i i)) (iota 21)))) (newline) (display (read-line (open-input-pipe "echo child"))) (newline)' >out.txt 2>guile.log || die guile
grep -q 2870 out.txt && grep -q child out.txt || die answer
