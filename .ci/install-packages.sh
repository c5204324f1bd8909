#!/usr/bin/env bash
# Installs what is missing of the packages for the given purposes:
#   install-packages.sh PURPOSE…      those of packages.txt: build, test, faults, …
set -euo pipefail
list="$(dirname "$0")/packages.txt"
missing=()
for purpose in "$@"; do
  grep -q "^$purpose " "$list" || { echo "no such purpose in $list: $purpose" >&2 && exit 2; }
  while read -r package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$package")
  done < <(awk -v p="$purpose" '$1 == p {print $2}' "$list")
done
[ ${#missing[@]} -eq 0 ] && exit 0
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "missing packages: ${missing[*]}" >&2
    echo "hint: run as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
  "${missing[@]}" >/dev/null
