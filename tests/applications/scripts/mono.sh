cat >x.cs <<'E'
using System; using System.Net; using System.Net.Sockets; using System.Text; using System.Threading; using System.Diagnostics;
class X { static void Main() { var l = new TcpListener(IPAddress.Loopback, 7107); l.Start(); new Thread(() => { var c = l.AcceptTcpClient(); var b = Encoding.ASCII.GetBytes("hello"); c.GetStream().Write(b, 0, 5); c.Close(); }).Start();
var k = new TcpClient("127.0.0.1", 7107); Console.WriteLine(new System.IO.StreamReader(k.GetStream()).ReadToEnd()); GC.Collect();
var p = Process.Start(new ProcessStartInfo("/bin/echo", "child") { RedirectStandardOutput = true, UseShellExecute = false }); Console.WriteLine(p.StandardOutput.ReadToEnd()); } }
E
mono /usr/lib/mono/4.5/mcs.exe x.cs >mcs.log 2>&1 || die mcs; mono x.exe >out.txt 2>mono.log || die run; grep -q hello out.txt && grep -q child out.txt || die answer
