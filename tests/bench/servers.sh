# The throw-away servers of compare.sh: each in its own folder of $work, on a Unix socket, one at a
# time. Sourced; needs $bin and $work.

server_pid=
server_folder=
stop_signal=TERM

# await COMMAND…: until it succeeds; fails if the server ends first.
await() {
  until "$@" >/dev/null 2>&1; do
    kill -0 "$server_pid" 2>/dev/null || { cat "$work/server.log" >&2; return 1; }
    sleep 0.005
  done
}

stele() { STELE_SOCKET=$work/stele.sock "$bin/stele" "$@"; }

new_folder() {
  server_folder=$work/server
  rm -rf "$server_folder"
  mkdir "$server_folder"
  : >"$work/server.log"
}

# start_stele BACKEND [keep]: with `keep`, on the folder of the one before.
start_stele() {
  [ "${2:-}" = keep ] || new_folder
  "$bin/steled" --socket "$work/stele.sock" --data-dir "$server_folder/data" \
    --wal-backend "$1" --retain-bytes 16G --log-level warn >"$work/server.log" 2>&1 &
  server_pid=$!
  await stele ping
}

# Debian's redis-server is a link to redis-check-rdb, of the package redis-tools; that package
# alone starts no service.
start_redis() {
  [ "${1:-}" = keep ] || new_folder
  ln -sf "$(command -v redis-check-rdb)" "$work/redis-server"
  "$work/redis-server" --port 0 --unixsocket "$work/redis.sock" --dir "$server_folder" \
    --appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0 --save '' \
    --maxclients 2000 >"$work/server.log" 2>&1 &
  server_pid=$!
  await redis_answers
}

redis_answers() { redis-cli -s "$work/redis.sock" ping | grep -q PONG; }

start_floor() {
  new_folder
  "$bin/stele-bench-floor" "$server_folder/floor.sock" "$server_folder/file" \
    >"$work/server.log" 2>&1 &
  server_pid=$!
  await grep -qx ready "$work/server.log"
}

postgres_conninfo() { echo "host=$server_folder dbname=postgres user=postgres"; }

start_postgres() {
  local programs as_user=() user=postgres
  programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
  new_folder
  if [ "$(id -u)" -eq 0 ]; then  # PostgreSQL refuses to run as root.
    id -u $user >/dev/null 2>&1 || user=nobody
    chown $user "$server_folder"
    as_user=(setpriv "--reuid=$(id -u $user)" "--regid=$(id -g $user)" --clear-groups)
  fi
  (cd "$server_folder" && "${as_user[@]}" "$programs/initdb" -D "$server_folder/data" \
    -U postgres -A trust --locale=C -E UTF8) >"$work/server.log" 2>&1 ||
    { cat "$work/server.log" >&2; return 1; }
  (cd "$server_folder" && exec "${as_user[@]}" "$programs/postgres" -D "$server_folder/data" \
    -k "$server_folder" -c listen_addresses= -c synchronous_commit=on -c shared_buffers=256MB \
    -c max_connections=100) >>"$work/server.log" 2>&1 &
  server_pid=$!
  stop_signal=INT  # TERM would wait for its clients.
  await "$programs/pg_isready" -h "$server_folder" -U postgres
}

# A journald of our own, in a journal namespace, whose view of /run/systemd and /var/log is a
# folder of ours. Needs root; fails where it does not run.
start_journald() {
  local journald=/lib/systemd/systemd-journald
  [ "$(id -u)" -eq 0 ] && [ -x "$journald" ] && command -v journalctl >/dev/null || return 1
  new_folder
  mkdir -p "$server_folder/run/journald@stele.conf.d" "$server_folder/log/journal"
  printf '[Journal]\nStorage=persistent\nRateLimitBurst=0\nSystemMaxUse=4G\n' \
    >"$server_folder/run/journald@stele.conf.d/limits.conf"
  unshare --mount sh -c 'mount --bind "$1/run" /run/systemd && mount --bind "$1/log" /var/log &&
    exec env SYSTEMD_LOG_TARGET=console "$2" stele' sh "$server_folder" "$journald" \
    >"$work/server.log" 2>&1 &
  server_pid=$!
  await test -S "$server_folder/run/journal.stele/socket"
}

stop_server() {
  [ -n "$server_pid" ] || return 0
  kill "-$stop_signal" "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=
  stop_signal=TERM
}
