printf 'def app(e, s):\n    s("200 OK", [("Content-Length", "5")])\n    return [b"hello"]\n' >a.py
back gunicorn -w 2 -b 127.0.0.1:7036 a:app
port 7036; [ "$(curl -s http://127.0.0.1:7036/)" = hello ] || die get
