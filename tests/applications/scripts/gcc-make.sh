for i in 1 2 3 4 5 6 7 8; do printf '#include <stdio.h>\nint f%s(void){return %s;}\n' $i $i >f$i.c; done
printf '#include <iostream>\n#include <vector>\n#include <numeric>\nextern "C" { int f3(void); }\nint main(){ std::vector<int> v(7, f3()); std::cout << std::accumulate(v.begin(), v.end(), 0) << "-hello\\n"; }\n' >m.cc
printf 'O=f1.o f2.o f3.o f4.o f5.o f6.o f7.o f8.o m.o\nx: $(O)\n\tg++ -o x $(O)\n%%.o: %%.c\n\tgcc -O2 -c $<\n%%.o: %%.cc\n\tg++ -O2 -c $<\n' >Makefile
make -j2 >make.log 2>&1 || die make; ./x | grep -q 21-hello || die run
