# A boot sector that writes XYZ to the serial port.
printf '\272\370\003\260\130\356\260\131\356\260\132\356\364\353\375' >b.img; truncate -s 510 b.img
printf '\125\252' >>b.img; truncate -s 1M b.img
back timeout 60 qemu-system-x86_64 -accel tcg -m 64 -display none -monitor none -serial file:out -drive file=b.img,format=raw,if=ide
until_says XYZ cat out
