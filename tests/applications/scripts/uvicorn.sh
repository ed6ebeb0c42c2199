printf 'async def app(s, r, w):\n    await w({"type": "http.response.start", "status": 200, "headers": []})\n    await w({"type": "http.response.body", "body": b"hello"})\n' >a.py
back python3 -m uvicorn --lifespan off --workers 2 --host 127.0.0.1 --port 7139 a:app; port 7139 200; for i in 1 2 3 4 5; do [ "$(curl -s http://127.0.0.1:7139/)" = hello ] || die get; done
