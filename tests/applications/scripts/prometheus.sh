printf 'global: {scrape_interval: 1s}\nscrape_configs: [{job_name: p, static_configs: [{targets: ["127.0.0.1:7046"]}]}]\n' >p.yml
back prometheus --config.file=p.yml --storage.tsdb.path="$T/d" --web.listen-address=127.0.0.1:7046
port 7046; until_says '"1"' curl -s 'http://127.0.0.1:7046/api/v1/query?query=up'
