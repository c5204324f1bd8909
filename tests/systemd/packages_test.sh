#!/usr/bin/env bash
# packages_test.sh BUILD_DIR: makes the packages for Debian, and has lintian judge them. 77: there
# is no lintian.
set -euo pipefail
command -v lintian dpkg-shlibdeps >/dev/null || {
  echo "skipped: needs lintian and dpkg-dev"
  exit 77
}
cd "$1"
rm -rf packages
cpack --config CPackConfig.cmake -G DEB -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip
lintian --fail-on error packages/*.deb
