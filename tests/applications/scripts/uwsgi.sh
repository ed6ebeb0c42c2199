printf 'def application(e, s):\n    s("200 OK", [("Content-Length", "5")])\n    return [b"hello"]\n' >a.py
back uwsgi-core --plugins-dir /usr/lib/uwsgi/plugins --plugin python311 --http-socket 127.0.0.1:7037 --wsgi-file a.py --master --processes 2
port 7037; [ "$(curl -s http://127.0.0.1:7037/)" = hello ] || die get
