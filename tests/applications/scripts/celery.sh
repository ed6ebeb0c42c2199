back redis-server --port 7137 --bind 127.0.0.1 --save ''; port 7137
printf 'from celery import Celery\nimport os\napp = Celery("t", broker="redis://127.0.0.1:7137/0", backend="redis://127.0.0.1:7137/1")\n@app.task\ndef add(a, b):\n    return a + b\n' >t.py
(C_FORCE_ROOT=1 celery -A t worker -c 2 -l warning >worker.log 2>&1 &)
python3 -c 'import t; r = [t.add.delay(i, i) for i in range(20)]; print(sum(x.get(timeout=60) for x in r))' >out.txt 2>client.log || die task; grep -q 380 out.txt || die sum
