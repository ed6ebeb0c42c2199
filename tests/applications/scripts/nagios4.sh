mkdir -p v/spool r; chmod -R 777 v r; printf 'log_file=%s/v/nagios.log\ncfg_file=%s/o.cfg\nobject_cache_file=%s/v/oc\nstatus_file=%s/v/st\nnagios_user=nobody\nnagios_group=nogroup\ncommand_file=%s/v/cmd\nquery_socket=%s/v/qh\nlock_file=%s/v/lock\ntemp_file=%s/v/t\ntemp_path=%s/v\ncheck_result_path=%s/v/spool\nstate_retention_file=%s/v/ret\nstatus_update_interval=2\ninterval_length=1\nillegal_macro_output_chars=`~$\n' "$T" "$T" "$T" "$T" "$T" "$T" "$T" "$T" "$T" "$T" "$T" >n.cfg
cat >o.cfg <<'E'
define timeperiod {
 timeperiod_name t
 alias t
 monday 00:00-24:00
 tuesday 00:00-24:00
 wednesday 00:00-24:00
 thursday 00:00-24:00
 friday 00:00-24:00
 saturday 00:00-24:00
 sunday 00:00-24:00
}
define command {
 command_name c
 command_line /bin/echo hello42
}
define contact {
 contact_name n
 host_notifications_enabled 0
 service_notifications_enabled 0
 host_notification_commands c
 service_notification_commands c
 host_notification_period t
 service_notification_period t
}
define host {
 host_name h
 address 127.0.0.1
 check_command c
 max_check_attempts 1
 check_interval 2
 check_period t
 contacts n
}
define service {
 service_description s
 host_name h
 check_command c
 max_check_attempts 1
 check_interval 2
 check_period t
 contacts n
}
E
chmod a+rX . ./*.cfg; back nagios4 n.cfg; until_says hello42 cat v/st
