#!/usr/bin/env bash
# Installs what is missing, builds the given presets and runs all their tests.
#
#   bash tests/run.sh [preset…]      default: release asan-ubsan
#
# The last lines are ctest's summary over all presets. The exit code is 0 if every test passed, and
# none is skipped in all of them that could run here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(release asan-ubsan)

purposes=(build test faults package ship)
for preset in "${presets[@]}"; do
  case $preset in clang | fuzz) purposes+=(fuzz) ;; esac
done
bash .ci/install-packages.sh "${purposes[@]}"

for preset in "${presets[@]}"; do
  echo "== $preset"
  cmake --preset "$preset" -DSTELE_NIGHTLY="${STELE_NIGHTLY:-OFF}" --log-level=WARNING
  cmake --build --preset "$preset" --parallel "$(nproc)"
done

# One ctest run over all presets, so that there is one summary.
python3 -B tests/tidy/test_runs.py join . "${presets[@]}"
# Two more than there are processors, since many wait for a disk or for each other.
code=0
ctest --test-dir build --parallel "$(($(nproc) + 2))" --output-on-failure --no-tests=error \
  --no-label-summary | tee build/ctest.log || code=$?
# What every preset skipped counts as failed, unless this machine lacks what it needs.
if ! python3 -B tests/tidy/test_runs.py skipped .; then
  code=1
  sed -n '/% tests passed, /,$p' build/ctest.log
fi
exit $code
