#!/usr/bin/env bash
# Three servers of NATS JetStream on loopback, two logs that are shipped into one stream, a server
# that is killed in the midst, and what can be read of both. Needs nats-server and a built release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bash .ci/install-packages.sh build ship
if [ ! -x build/release/bin/stele-ship ]; then
  cmake --preset release --log-level=WARNING
  cmake --build --preset release --parallel "$(nproc)" \
    --target steled stele_command stele_ship_command
fi
exec python3 -B tests/ship/demo.py build/release/bin
