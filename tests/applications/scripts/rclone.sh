mkdir src mnt; for i in $(seq 100); do echo "file $i" >src/"$i"; done
rclone sync src dst >a.log 2>&1 || die sync; [ "$(cat src/* | cksum)" = "$(cat dst/* | cksum)" ] || die differs
back rclone mount "$T/src" "$T/mnt" --vfs-cache-mode writes --vfs-write-back 0s; until_says 'file 7' cat mnt/7
echo world >mnt/g || die write; until_says world cat src/g
