#!/usr/bin/env bash
# Lines and branches of protocol, wal and daemon that the tests reach, file by file, with the lines
# that none reaches; and in build/coverage/html for a browser. Fails below 95 % of the lines.
#
#   bash tests/coverage.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
bash .ci/install-packages.sh build test faults coverage
cmake --preset coverage --log-level=WARNING
cmake --build --preset coverage --parallel "$(nproc)"
find build/coverage -name '*.gcda' -delete
# A test that fails is no news here; what it reached counts.
ctest --preset coverage --parallel "$(nproc)" --no-label-summary || true
mkdir -p build/coverage/html
gcovr --root . --object-directory build/coverage --filter protocol/ --filter wal/ --filter daemon/ \
  --exclude-throw-branches --exclude-unreachable-branches --gcov-ignore-parse-errors \
  --txt --html-details build/coverage/html/index.html --print-summary --fail-under-line 95
