#!/usr/bin/env bash
# Installs what is missing for that, and builds targets of the release preset:
#
#   build-release.sh TARGET…
#
# A folder that is there keeps its tests. A new one is configured without them, since they need
# further packages; tests/run.sh adds them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash .ci/install-packages.sh build

# A folder that was made before a package came lacks the targets that need it.
has_targets() {
  local target
  for target in "$@"; do
    ninja -C build/release -t query "$target" >/dev/null 2>&1 || return 1
  done
}
if [ ! -f build/release/build.ninja ]; then
  cmake --preset release -DSTELE_BUILD_TESTS=OFF --log-level=WARNING >/dev/null
elif ! has_targets "$@"; then
  cmake -B build/release --log-level=WARNING >/dev/null
fi
cmake --build --preset release --parallel "$(nproc)" --target "$@" | tail -n 1
