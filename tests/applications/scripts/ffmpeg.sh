export LD_LIBRARY_PATH="$(echo /usr/lib/*/blas):$(echo /usr/lib/*/lapack)"
ffmpeg -loglevel error -f lavfi -i testsrc=d=1:s=160x120:r=10 -f lavfi -i sine=d=1 -c:v libx264 -preset ultrafast -c:a aac -threads 2 o.mp4 >ff.log 2>&1 || die encode
ffmpeg -loglevel error -i o.mp4 -f hls -hls_time 1 o.m3u8 >ff.log 2>&1 || die hls; ffprobe -v error -show_entries stream=codec_name -of csv=p=0 o.mp4 | grep -q h264 || die probe
