printf 'run ->(e) { [200, {"content-type" => "text/plain"}, ["hello"]] }\n' >config.ru
back puma -w 2 -t 1:4 --preload -b tcp://127.0.0.1:7155 config.ru; port 7155 200; for i in 1 2 3 4; do [ "$(curl -s http://127.0.0.1:7155/)" = hello ] || die get; done
