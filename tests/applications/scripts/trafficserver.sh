traffic_server -C verify_config >t.log 2>&1; grep -q -i -E 'records|verif|success|Traffic' t.log || die verify
