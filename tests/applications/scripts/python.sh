cat >p.py <<'X'
import asyncio, concurrent.futures, multiprocessing, sqlite3, subprocess, ssl, tempfile
def square(n): return n*n
async def main():
    server = await asyncio.start_server(lambda r, w: (w.write(b'hello'), w.close()), '127.0.0.1', 7035)
    r, w = await asyncio.open_connection('127.0.0.1', 7035); assert await r.read() == b'hello'
    p = await asyncio.create_subprocess_exec('true'); assert await p.wait() == 0
if __name__ == '__main__':
    with concurrent.futures.ProcessPoolExecutor(2) as pool: assert list(pool.map(square, range(4))) == [0,1,4,9]
    asyncio.run(main()); db = sqlite3.connect('x.db'); db.execute('pragma journal_mode=wal'); db.execute('create table t(a)'); db.commit()
    with multiprocessing.Manager() as m: d = m.dict(); d['a'] = 1
X
python3 p.py >python.log 2>&1 || die run
