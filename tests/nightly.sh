#!/usr/bin/env bash
# The long forms of the tests that a short run can only sample, optimised as the release is:
#
#   bash tests/nightly.sh [suite…]      default: all of the list below
#
# Each prints its cases, its failures, its seed and the command that repeats it. The exit code is 0
# if all passed; a suite that cannot run here ends with 77, is named, and does not count as passed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
bash .ci/install-packages.sh build test faults || exit 1
cmake --preset release --log-level=WARNING || exit 1
cmake --build --preset release --parallel "$(nproc)" || exit 1
cmake --preset optimised --log-level=WARNING || exit 1
cmake --build --preset optimised --parallel "$(nproc)" --target wal_test simulation_test || exit 1
bin=build/release/bin
modules=build/optimised/bin

failed=() skipped=()
# run NAME COMMAND…: one suite.
run() {
  local name=$1
  shift
  [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $name "* ]] || return 0
  printf '== %s  %s\n' "$name" "$(date +%T)"
  "$@"
  case $? in
    0) ;;
    77) skipped+=("$name") ;;
    *) failed+=("$name") ;;
  esac
}
wanted=("$@")

run power_loss env STELE_POWER_CUTS="${STELE_POWER_CUTS:-1000}" \
  $bin/faults_test --run_test=power_loss_test
run device_error env STELE_DEVICE_ERRORS="${STELE_DEVICE_ERRORS:-200}" \
  $bin/faults_test --run_test=device_error_test
run full_disk env STELE_FULL_DISK_CYCLES="${STELE_FULL_DISK_CYCLES:-50}" \
  $bin/faults_test --run_test=full_disk_test
run read_only env STELE_READ_ONLY_CASES="${STELE_READ_ONLY_CASES:-100}" \
  $bin/faults_test --run_test=read_only_test
run clock $bin/faults_test --run_test=clock_test
run kill env STELE_KILL_ROUNDS="${STELE_KILL_ROUNDS:-500}" \
  $bin/process_test --run_test=kill_test
run exactly_once env STELE_ONCE_ROUNDS="${STELE_ONCE_ROUNDS:-250}" \
  $bin/process_test --run_test=exactly_once_test
run logger env STELE_BUFFERED_ENTRIES=1000000 STELE_BUFFERED_KILLS=20 \
  $bin/client_process_test --run_test=buffered_logger_test,spdlog_sink_test
run python env STELE_PYTHON_ENTRIES=1000000 STELE_PYTHON_KILLS=20 \
  ctest --preset release -R python.logging_test
run soak env STELE_SOAK_SECONDS="${STELE_SOAK_SECONDS:-600}" $bin/process_test --run_test=soak_test
run memory $bin/process_test --run_test=memory_limit_test
run load env STELE_LOAD_SCALE="${STELE_LOAD_SCALE:-4}" \
  $bin/process_test --run_test=load_test

run model env STELE_MODEL_SECONDS="${STELE_MODEL_SECONDS:-7200}" \
  python3 -B tests/model/model_test.py $bin/steled

run systemd env STELE_RESTARTS="${STELE_RESTARTS:-20}" \
  bash tests/systemd/boot.sh build/release

run simulation env STELE_SIM_RUNS="${STELE_SIM_RUNS:-200000}" $modules/simulation_test
run crash_points $modules/wal_test \
  --run_test=log_crash_points_test,log_crash_test,recovery_flip_test,foreign_segment_test
run byte_flip env STELE_DAMAGE_RUNS="${STELE_DAMAGE_RUNS:-5000}" \
  $modules/wal_test --run_test=byte_flip_test
run salvage env STELE_DAMAGE_RUNS="${STELE_DAMAGE_RUNS:-5000}" \
  $modules/wal_test --run_test=salvage_test
run log_check env STELE_CHECK_SEEDS="${STELE_CHECK_SEEDS:-500}" \
  $modules/wal_test --run_test=log_check_test
run verify env STELE_VERIFY_RUNS="${STELE_VERIFY_RUNS:-2000}" \
  $bin/process_test --run_test=verify_test

# Each fuzzer for a minute, from the corpus; what it finds stays in build/fuzz/found.
fuzz() {
  bash .ci/install-packages.sh build fuzz && cmake --preset fuzz --log-level=WARNING || return 1
  local name code=0
  for name in canonical_value frame_reader request_parser time_spec wal_reader; do
    mkdir -p "build/fuzz/found/$name"
    cmake --build --preset fuzz --parallel "$(nproc)" --target "${name}_fuzz" &&
      "build/fuzz/bin/${name}_fuzz" -max_total_time="${STELE_FUZZ_SECONDS:-60}" \
        -print_final_stats=1 -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/found/$name" \
        "tests/fuzz/corpus/${name}_fuzz" || code=1
  done
  return $code
}
run fuzz fuzz

# The other compiler, what the sanitizer of threads and the checks of a debug build find, and the
# tests of single modules as the release is compiled: in the short forms, which are long enough.
# With STELE_NIGHTLY, the sanitizers also see the tests that the daily run does not give them.
for preset in clang tsan dev optimised asan-ubsan; do
  run $preset env $(env | sed -n 's/^\(STELE_[A-Z_]*\)=.*/-u \1/p') STELE_NIGHTLY=ON \
    bash tests/run.sh $preset
done

run mutants bash tests/mutants.sh

echo "== failed: ${failed[*]:-none}; skipped: ${skipped[*]:-none}"
[ ${#failed[@]} -eq 0 ] && [ ${#skipped[@]} -eq 0 ]
