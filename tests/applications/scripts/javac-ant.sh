export JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64; export PATH=$JAVA_HOME/bin:$PATH; mkdir src
for i in 1 2 3 4 5 6; do echo "class C$i { int f() { return java.util.stream.IntStream.range(0, $i).sum(); } }" >src/C$i.java; done
echo 'public class M { public static void main(String[] a) { System.out.println("hello" + new C6().f()); } }' >src/M.java
echo '<project default="j"><target name="j"><mkdir dir="o"/><javac srcdir="src" destdir="o" includeantruntime="false" fork="true"/><jar destfile="x.jar" basedir="o"/></target></project>' >build.xml
ant >ant.log 2>&1 || die ant; java -cp x.jar M | grep -q hello15 || die run
