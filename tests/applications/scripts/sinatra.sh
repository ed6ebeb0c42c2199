printf 'require "sinatra"\nset :bind, "127.0.0.1"\nset :port, 7157\nset :server, :puma\nget("/x/:n") { (params[:n].to_i * 2).to_s }\n' >a.rb
back ruby a.rb; port 7157 200; [ "$(curl -s http://127.0.0.1:7157/x/21)" = 42 ] || die get
