#!/usr/bin/env bash
# Measures stele beside the floor, Redis, SQLite, PostgreSQL and journald, in one run on one disk:
#
#   bash tests/bench/compare.sh             all of it, about ten minutes: RESULTS.md, results.html
#   bash tests/bench/compare.sh --quick     one short round, about a minute, for a look
#   bash tests/bench/compare.sh --only w1,turns        some figures
#   bash tests/bench/compare.sh --help
#
# Installs what is missing, builds, and uses a temporary directory below $STELE_BENCH_DIR, else
# /var/tmp. README.md says what each figure means.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
exec </dev/null
bash .ci/install-packages.sh build bench
cmake --preset release --log-level=WARNING >/dev/null
cmake --build --preset release --parallel "$(nproc)" --target steled stele_command stele-bench \
  stele-bench-floor stele-batch-bench stele-bench-sqlite stele-bench-postgres \
  stele-bench-journald | tail -n 1
exec python3 -B "$here/compare.py" "$@"
