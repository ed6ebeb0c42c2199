printf 'cmake_minimum_required(VERSION 3.13)\nproject(x C)\nadd_library(l SHARED l.c)\nadd_executable(x x.c)\ntarget_link_libraries(x l)\nenable_testing()\nadd_test(NAME t COMMAND x)\n' >CMakeLists.txt
echo 'int l(void){return 0;}' >l.c; echo 'int l(void); int main(void){return l();}' >x.c
cmake -G Ninja -B b >cmake.log 2>&1 || die cmake; ninja -C b >ninja.log 2>&1 || die ninja; (cd b && ctest >../ctest.log 2>&1) || die ctest
