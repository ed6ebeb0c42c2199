printf 'from flask import Flask, request\napp = Flask(__name__)\n@app.post("/x")\ndef x():\n    return {"n": request.json["n"] * 2}\n' >a.py
back python3 -m flask --app a --debug run --host 127.0.0.1 --port 7140; port 7140 200
curl -s -H 'content-type: application/json' -d '{"n":21}' http://127.0.0.1:7140/x | grep -q 42 || die post
sed -i 's/\* 2/* 3/' a.py; until_says 63 curl -s -H 'content-type: application/json' -d '{"n":21}' http://127.0.0.1:7140/x
