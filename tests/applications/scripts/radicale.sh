back python3 -m radicale --server-hosts 127.0.0.1:7167 --storage-filesystem-folder="$T/d" --auth-type none; port 7167 200
curl -s -u u: -X MKCOL http://127.0.0.1:7167/u/c/ -d '<?xml version="1.0"?><create xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop><resourcetype><collection/><C:calendar/></resourcetype></prop></set></create>' -o mk.log -w '%{http_code}' | grep -q 201 || die mkcol
printf 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20200101T000000Z\r\nDTSTART:20200101T000000Z\r\nSUMMARY:hello\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' >e.ics
curl -s -u u: -T e.ics http://127.0.0.1:7167/u/c/1.ics; curl -s -u u: http://127.0.0.1:7167/u/c/1.ics | grep -q hello || die get
