#!/usr/bin/env bash
# Measures stele beside the floor, Redis, SQLite, PostgreSQL and journald, in one run on one disk:
#
#   bash tests/bench/compare.sh [--quick]
#
# Installs what is missing, builds, starts throw-away servers in a temporary directory
# ($STELE_BENCH_DIR, else /var/tmp) and writes RESULTS.md and results.html beside this file.
# --quick: one short round, for a look. README.md says what each figure means.
set -euo pipefail

rounds=3 seconds=4 log_entries=1000000 curve_entries="10000 100000 1000000 10000000"
for argument in "$@"; do
  case $argument in
    --quick) rounds=1 seconds=1 log_entries=100000 curve_entries="10000 100000" ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
exec </dev/null
bash .ci/install-packages.sh build bench
cmake --preset release --log-level=WARNING
cmake --build --preset release --parallel "$(nproc)" --target steled stele_command stele-bench \
  stele-bench-floor stele-batch-bench stele-bench-sqlite stele-bench-postgres \
  stele-bench-journald | tail -n 1

bin=$PWD/build/release/bin
work=$(mktemp -d "${STELE_BENCH_DIR:-/var/tmp}/stele-compare.XXXXXX")
chmod 711 "$work"  # PostgreSQL, as another user, passes through.
results=$work/results.jsonl
background_pid=
. "$here/servers.sh"

finish() {
  local code=$?
  trap - EXIT INT TERM
  [ -z "$background_pid" ] || kill "$background_pid" 2>/dev/null || true
  stop_server
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
keep() { cat >>"$results"; }

# load_* LABEL FLAGS…: one measurement; the label is figure/column.
load_stele() { "$bin/stele-bench" --socket "$work/stele.sock" --json --label "$@" | keep; }
load_redis() {
  "$bin/stele-bench" --peer redis --socket "$work/redis.sock" --json --label "$@" | keep
}
resident_kb() { awk '$1 == "VmRSS:" {print $2}' "/proc/$server_pid/status"; }

write_figures=(
  "w1 --clients 1"
  "w16 --clients 16"
  "w64 --clients 64"
  "w16x16 --clients 16 --in-flight 16"
  "batch --batch 1000"
)

measure_writes_of_stele() {
  local backend figure
  for backend in posix io_uring; do
    for figure in "${write_figures[@]}"; do
      start_stele $backend
      # shellcheck disable=SC2086 # Its words are flags.
      load_stele "${figure%% *}/stele $backend" ${figure#* } --seconds "$seconds" --warm-up 1000
      stop_server
    done
  done
}

measure_writes_of_redis() {
  local figure
  for figure in "${write_figures[@]}"; do
    start_redis
    # shellcheck disable=SC2086
    load_redis "${figure%% *}/redis" ${figure#* } --seconds "$seconds" --warm-up 1000
    stop_server
  done
}

measure_floor() {
  start_floor
  "$bin/stele-bench" --peer floor --socket "$server_folder/floor.sock" --json --label w1/floor \
    --seconds "$seconds" --warm-up 1000 | keep
  stop_server
  "$bin/stele-bench-floor" --bandwidth "$server_folder/file" | keep
}

measure_sqlite() {
  new_folder
  "$bin/stele-bench-sqlite" "$server_folder/single" 1 "$seconds" w1/sqlite | keep
  "$bin/stele-bench-sqlite" "$server_folder/batch" 1000 "$seconds" batch/sqlite | keep
}

measure_postgres() {
  local clients
  start_postgres
  for clients in 1 16 64; do
    "$bin/stele-bench-postgres" "$(postgres_conninfo)" $clients 1 "$seconds" \
      "w$clients/postgres" | keep
  done
  "$bin/stele-bench-postgres" "$(postgres_conninfo)" 1 1000 "$seconds" batch/postgres | keep
  stop_server
}

# Redis' own generator, as a check of ours: the same command, clients and pipelining.
check_redis() {
  local figure clients in_flight text
  text=$(printf '%0250d' 0)
  for figure in "w1 1 1" "w64 64 1" "w16x16 16 16"; do
    read -r figure clients in_flight <<<"$figure"
    start_redis
    redis-benchmark -s "$work/redis.sock" -c "$clients" -P "$in_flight" -n "$1" --csv \
      XADD log '*' entry "$text" 2>/dev/null |
      python3 "$here/report.py" redis-benchmark "$figure" | keep
    stop_server
  done
}

# A log of some size: what it costs in memory, to read, beside a reader, and to start again.
measure_log_of_stele() {
  local before started ended
  start_stele auto
  before=$(resident_kb)
  load_stele load/stele --entries "$log_entries" --batch 1000
  echo "{\"label\":\"memory/stele\",\"kb_before\":$before,\"kb_after\":$(resident_kb)," \
    "\"stats\":$(stele stats --json)}" | keep
  load_stele range/stele --mode range --seconds "$seconds"
  load_stele range-parsed/stele --mode range --parse --seconds "$seconds"
  load_stele read/stele --mode read --seconds "$seconds"
  load_stele alone/stele --seconds "$seconds" --warm-up 100
  "$bin/stele-bench" --socket "$work/stele.sock" --mode range --range-entries "$log_entries" \
    --seconds $((3 * seconds + 9)) >/dev/null &
  background_pid=$!
  sleep 2  # Its first reply is parsed, to check it.
  load_stele beside-reader/stele --seconds "$seconds" --warm-up 100
  kill $background_pid && wait $background_pid 2>/dev/null || true
  background_pid=
  "$bin/stele-batch-bench" "$work/stele.sock" 10000 11 --json | keep
  stop_server
  started=$EPOCHREALTIME
  start_stele auto keep
  ended=$EPOCHREALTIME
  echo "{\"label\":\"recovery/stele\",\"started\":$started,\"ended\":$ended," \
    "\"stats\":$(stele stats --json)}" | keep
  stop_server
}

measure_log_of_redis() {
  local before started ended entries took
  start_redis
  before=$(resident_kb)
  # Only to fill it: at one sync for each 16 KiB that it reads, it would take minutes.
  redis-cli -s "$work/redis.sock" config set appendfsync no >/dev/null
  load_redis load/redis --entries "$log_entries" --batch 1000
  entries=$(redis-cli -s "$work/redis.sock" xlen log)
  echo "{\"label\":\"memory/redis\",\"kb_before\":$before,\"kb_after\":$(resident_kb)," \
    "\"entries\":$entries}" | keep
  load_redis range/redis --mode range --seconds "$seconds"
  load_redis read/redis --mode read --seconds "$seconds"
  stop_server
  started=$EPOCHREALTIME
  start_redis keep
  ended=$EPOCHREALTIME
  took=$(sed -n 's/.*loaded from append only file: \([0-9.]*\) sec.*/\1/p' "$work/server.log")
  echo "{\"label\":\"recovery/redis\",\"started\":$started,\"ended\":$ended," \
    "\"entries\":$entries,\"load_seconds\":${took:-0}}" | keep
  stop_server
}

measure_journald() {
  local entries=100000 folder started ended
  if ! start_journald; then
    echo '{"label":"w1/journald","not_running":true}' | keep
    return
  fi
  "$bin/stele-bench-journald" "$server_folder/run/journal.stele/socket" $entries w1/journald | keep
  folder=$(find "$server_folder/log/journal" -mindepth 1 -maxdepth 1 -type d | head -n 1)
  stop_server
  started=$EPOCHREALTIME
  entries=$(journalctl --directory="$folder" -o json | wc -l)
  ended=$EPOCHREALTIME
  echo "{\"label\":\"range/journald\",\"started\":$started,\"ended\":$ended," \
    "\"entries\":$entries}" | keep
}

# Cost as work grows. Labels are curve/abscissa.
measure_curves() {
  local value
  for value in 1 4 16 64 256 512; do
    start_stele auto
    load_stele "clients/$value" --clients "$value" --seconds "$seconds" --warm-up 1000
    stop_server
  done
  for value in 64 250 1000 4096 16384 65536; do
    start_stele auto
    load_stele "entry-bytes/$value" --entry-bytes "$value" --clients 16 --seconds "$seconds" \
      --warm-up 100
    stop_server
  done
  for value in 0 0.01 0.1 0.5 1; do
    start_stele auto
    load_stele "out-of-order/$value" --out-of-order "$value" --batch 100 --clients 4 \
      --seconds "$seconds" --warm-up 1000
    stop_server
  done
  for value in $curve_entries; do
    start_stele auto
    load_stele "filled/$value" --entries "$value" --batch 1000
    load_stele "log-write/$value" --clients 16 --seconds "$seconds" --warm-up 100
    load_stele "log-read/$value" --mode read --seconds "$seconds"
    stop_server
  done
}

load_before=$(cut -d' ' -f1-3 /proc/loadavg)
for ((round = 1; round <= rounds; ++round)); do
  say "round $round of $rounds: floor, stele, Redis, SQLite, PostgreSQL"
  measure_floor
  measure_writes_of_stele
  measure_writes_of_redis
  measure_sqlite
  measure_postgres
done
say "redis-benchmark"
check_redis $((seconds * 5000))
say "a log of $log_entries entries: stele, Redis, journald"
measure_log_of_stele
measure_log_of_redis
measure_journald
say "cost as work grows"
measure_curves
say "report"
python3 "$here/report.py" write "$results" --folder "$work" --out "$here" --load "$load_before" \
  --rounds "$rounds" --seconds "$seconds"
