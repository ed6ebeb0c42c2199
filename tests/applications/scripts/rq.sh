back redis-server --port 7138 --bind 127.0.0.1 --save ''; port 7138; printf 'def add(a, b):\n    return a + b\n' >j.py
cat >q.py <<'E'
import redis, rq, j, time
q = rq.Queue(connection=redis.Redis(port=7138)); jobs = [q.enqueue(j.add, i, i) for i in range(5)]
rq.Worker([q], connection=redis.Redis(port=7138)).work(burst=True)
print(sum(x.result for x in jobs))
E
python3 q.py >out.txt 2>rq.log || die "$(tail -n 3 rq.log)"; grep -q 20 out.txt || die sum
