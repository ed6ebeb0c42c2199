mkdir mail run; chown mail:mail mail; cat >d.conf <<X
base_dir = $T/run
log_path = $T/dov.log
protocols = imap
ssl = no
disable_plaintext_auth = no
mail_location = maildir:$T/mail
passdb {
  driver = static
  args = password=x
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$T/mail
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = 7023
  }
  inet_listener imaps {
    port = 0
  }
}
mail_uid = mail
first_valid_uid = 1
first_valid_gid = 1
X
back dovecot -F -c d.conf; port 7023; printf 'Subject: x\r\n\r\nhello\r\n' >m.txt
curl -sS -m 20 --url imap://127.0.0.1:7023/INBOX -u u:x -T m.txt >c.log 2>&1 || die append
curl -sS -m 20 --url 'imap://127.0.0.1:7023/INBOX;MAILINDEX=1' -u u:x 2>>c.log | grep -q hello || die fetch
