printf 'run ->(e) { [200, {"content-type" => "text/plain"}, ["hello"]] }\n' >config.ru; printf 'worker_processes 2\nlisten "127.0.0.1:7156"\npreload_app true\n' >u.rb
back unicorn -c u.rb config.ru; port 7156 200; for i in 1 2 3 4; do [ "$(curl -s http://127.0.0.1:7156/)" = hello ] || die get; done
