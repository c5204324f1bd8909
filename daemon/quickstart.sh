#!/usr/bin/env bash
# From a clone to a running steled that holds a real log:
#
#   bash daemon/quickstart.sh [--once] [LOGFILE]
#
# Installs what is missing, builds, starts steled on a new directory, imports LOGFILE (else a log of
# this machine, else one that it makes), reads it back, and serves until Ctrl-C. --once ends by
# itself and removes the directory.
set -euo pipefail

usage() { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

once=false
log=
for argument in "$@"; do
  case $argument in
    --once) once=true ;;
    -h | --help) usage; exit 0 ;;
    -*) echo "quickstart: unknown option $argument" >&2; usage >&2; exit 2 ;;
    *) log=$(realpath -- "$argument") ;;
  esac
done
if [ -n "$log" ] && [ ! -r "$log" ]; then
  echo "quickstart: cannot read $log" >&2
  exit 2
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { printf '\n%s\n' "$*"; }

say "1. packages and build (preset release)"
bash .ci/build-release.sh steled stele_command
export PATH="$PWD/build/release/bin:$PATH"

directory=$(mktemp -d "${TMPDIR:-/tmp}/stele-quickstart.XXXXXX")
export STELE_SOCKET="$directory/stele.sock"
steled_pid=

finish() {
  local code=$?
  trap - EXIT
  trap : INT TERM HUP  # One more changes nothing; bash warns of one that comes and is ignored.
  if [ -n "$steled_pid" ]; then
    kill -TERM "$steled_pid" 2>/dev/null || true
    # A signal ends the wait, too.
    while kill -0 "$steled_pid" 2>/dev/null; do wait "$steled_pid" || true; done
  fi
  if $once; then
    rm -rf "$directory"
  else
    printf '\nsteled has stopped. The data is in %s; it is yours to keep or remove.\n' "$directory"
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

say "2. steled on a new directory"
# In a session of its own: Ctrl-C reaches this script, which then stops steled in its own way.
setsid steled --data-dir "$directory/data" --socket "$STELE_SOCKET" >"$directory/steled.log" 2>&1 &
steled_pid=$!
until stele ping >/dev/null 2>&1; do
  kill -0 "$steled_pid" 2>/dev/null || { cat "$directory/steled.log" >&2; exit 1; }
  sleep 0.05
done
cat "$directory/steled.log"

# A plausible log, the same at each run.
make_log() {
  awk 'BEGIN {
    srand(1)
    split("sshd cron kernel nginx systemd", unit)
    split("session opened,session closed,job started,request served,disk is 81% full", text, ",")
    for (i = 0; i < 2000; ++i)
      printf "Jan %2d %02d:%02d:%02d host %s[%d]: %s\n", i / 70 + 1, rand() * 24, rand() * 60,
             rand() * 60, unit[int(rand() * 5) + 1], rand() * 30000, text[int(rand() * 5) + 1]
  }' >"$1"
}

if [ -z "$log" ]; then
  for candidate in /var/log/syslog /var/log/messages /var/log/dpkg.log /var/log/apt/history.log; do
    if [ -r "$candidate" ] && [ -s "$candidate" ]; then
      log=$candidate
      break
    fi
  done
fi
if [ -z "$log" ]; then
  log=$directory/made.log
  make_log "$log"
fi

say "3. import $log"
stele import "$log"

say "4. stele read -n 5"
stele read -n 5

say "5. stele count --histogram   # by the times in the log"
stele count --histogram

say "6. stele stats"
stele stats

if $once; then
  say "steled answered; stopping it."
  exit 0
fi
say "steled is running. In another terminal:"
cat <<END
export STELE_SOCKET=$STELE_SOCKET PATH=$PWD/build/release/bin:\$PATH
echo '{"op":"write_log","entry":{"message":"hello"}}' | socat -t5 - UNIX-CONNECT:\$STELE_SOCKET
stele read -n 5

Ctrl-C stops it.
END
wait "$steled_pid"
