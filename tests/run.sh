#!/usr/bin/env bash
# Installs what is missing, builds the given presets and runs all their tests.
#
#   bash tests/run.sh [preset…]      default: release asan-ubsan
#
# The last lines are ctest's summary over all presets; the exit code is 0 if every test passed.
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
  cmake --preset "$preset" --log-level=WARNING
  cmake --build --preset "$preset" --parallel "$(nproc)"
done

# One ctest run over all presets, so that there is one summary.
printf 'subdirs("%s")\n' "${presets[@]}" >build/CTestTestfile.cmake
# One more than there are processors, since many wait for a disk or for each other.
exec ctest --test-dir build --parallel "$(($(nproc) + 1))" --output-on-failure --no-tests=error \
  --no-label-summary
