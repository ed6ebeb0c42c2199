mkdir -p c l s; cat >c/ejabberd.yml <<E
hosts: [localhost]
loglevel: warning
certfiles: []
listen:
  - {port: 7128, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {/api: mod_http_api}}
  - {port: 7129, ip: "127.0.0.1", module: ejabberd_c2s}
acl: {loopback: {ip: [127.0.0.0/8]}}
api_permissions: {all: {who: all, what: "*"}}
modules: {mod_admin_extra: {}, mod_http_api: {}}
E
export HOME=$T CONTRIB_MODULES_PATH=$T ERL_LIBS=$(ls -d /usr/lib/*/ejabberd 2>/dev/null || echo /usr/lib/erlang/lib) EJABBERD_CONFIG_PATH=$T/c/ejabberd.yml
back erl -noinput -sname e@localhost -pa /usr/lib/*/ejabberd-*/ebin -mnesia dir "\"$T/s\"" -s ejabberd; port 7128 250
curl -s -X POST -d '{"user":"u","host":"localhost","password":"p"}' http://127.0.0.1:7128/api/register | grep -q registered || die register
until_says u curl -s -X POST -d '{"host":"localhost"}' http://127.0.0.1:7128/api/registered_users
