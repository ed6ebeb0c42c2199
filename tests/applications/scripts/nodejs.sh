cat >s.js <<'X'
const http=require('http'),{Worker,isMainThread,parentPort}=require('worker_threads'),{execSync}=require('child_process'),fs=require('fs');
if(!isMainThread){parentPort.postMessage(6*7)}else{
const w=new Worker(__filename);w.on('message',m=>{fs.watch('.',()=>{});const s=http.createServer((q,r)=>r.end('hello'+m)).listen(7034,'127.0.0.1',()=>http.get('http://127.0.0.1:7034/',r=>{let b='';r.on('data',d=>b+=d);r.on('end',()=>{console.log(b,execSync('echo child').toString());process.exit(0)})}))})}
X
node s.js >out.txt 2>node.log || die run; grep -q hello42 out.txt || die answer; grep -q child out.txt || die child
