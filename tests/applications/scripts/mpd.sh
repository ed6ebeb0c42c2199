export LD_LIBRARY_PATH="$(echo /usr/lib/*/blas):$(echo /usr/lib/*/lapack)"
mkdir m pl; ffmpeg -loglevel error -f lavfi -i sine=d=1 m/a.wav || die ffmpeg
printf 'music_directory "%s/m"\nplaylist_directory "%s/pl"\ndb_file "%s/db"\nbind_to_address "127.0.0.1"\nport "7132"\naudio_output {\ntype "null"\nname "n"\n}\n' "$T" "$T" "$T" >m.conf
back mpd --no-daemon --stderr m.conf; port 7132 50; (printf 'update\n'; sleep 2; printf 'add a.wav\nplay\nstatus\n'; sleep 1; printf 'close\n') | nc -q 2 127.0.0.1 7132 >out.txt; grep -q 'state: play' out.txt || die play
