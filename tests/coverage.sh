#!/usr/bin/env bash
# The lines and branches of protocol, wal and daemon that the tests run, file by file, with the
# lines that none runs; in build/coverage/html for a browser.
#
#   bash tests/coverage.sh
#
# The exit code is 0 if every test passed and at least 95 % of the lines ran. A daemon that ends by
# a signal loses its counts, so that kill_test and its like count less than they do. Branches are
# those of the source: the ways that an exception could take are left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
bash .ci/install-packages.sh build test faults coverage
cmake --preset coverage --log-level=WARNING
cmake --build --preset coverage --parallel "$(nproc)" --target protocol_test wal_test daemon_test \
  disk_test simulation_test process_test client_process_test faults_test fuzz_replay
build=build/coverage
find $build -name '*.gcda' -delete

# Counting makes a program slow: shorter forms reach the same lines.
export STELE_SIM_RUNS=500 STELE_SIM_CUT_SEEDS=1 STELE_KILL_ROUNDS=10 STELE_ONCE_ROUNDS=10
export STELE_VERIFY_RUNS=20 STELE_POWER_CUTS=5 STELE_DEVICE_ERRORS=3 STELE_FULL_DISK_CYCLES=1
tests=0
ctest --preset coverage --parallel "$(nproc)" --no-label-summary \
  --tests-regex '^coverage\.(protocol|wal|daemon|disk|simulation|process|faults|fuzz)\.' || tests=$?

# Headers are found through the view of their module in the build tree: back to their own names.
mkdir -p $build/html
gcovr --root . --object-directory $build --filter '(protocol|wal|daemon)/' -j "$(nproc)" \
  --exclude-directories ".*CompilerId.*" \
  --exclude-throw-branches --exclude-unreachable-branches --json $build/coverage.json
sed -i "s#\"$build/modules/[a-z-]*/#\"#g" $build/coverage.json
gcovr --root . --add-tracefile $build/coverage.json --html-details $build/html/index.html \
  --branches --txt $build/branches.txt
cat $build/branches.txt
gcovr --root . --add-tracefile $build/coverage.json --print-summary --fail-under-line 95
exit $tests
