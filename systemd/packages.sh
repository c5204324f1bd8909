#!/usr/bin/env bash
# Installs what is missing, builds the release preset and makes the packages: six for Debian, and
# an archive to be taken apart in /. They are in build/release/packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash .ci/install-packages.sh build package ship
cmake --preset release -DSTELE_BUILD_TESTS=OFF --log-level=WARNING
cmake --build --preset release --parallel "$(nproc)"
cpack --config build/release/CPackConfig.cmake "$@"
ls -l build/release/packages/*.*
