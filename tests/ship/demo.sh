#!/usr/bin/env bash
# Three servers of NATS JetStream on loopback, two logs that are shipped into one stream, a server
# that is killed in the midst, and what can be read of both. Installs what is missing, and builds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bash .ci/install-packages.sh ship
bash .ci/build-release.sh steled stele_command stele_ship_command
exec python3 -B tests/ship/demo.py build/release/bin
