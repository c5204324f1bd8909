#!/usr/bin/env bash
# Do the tests bite? Each file in tests/mutants breaks the code in one place; the test that it names
# must then fail.
#
#   bash tests/mutants.sh [mutant…]      default: all; for instance M07 M09b
#
# A mutant is a patch. Above its first "---" line stand two lines: the fault, and
# "Caught by: PROGRAM --run_test=…", with variables for env(1) in front if it needs some, or
# "Caught by: /usr/bin/python3 -B tests/python/… CASE".
# The work is done in a copy of the tree, build/mutants. A test first has to pass there on the code
# as it is. The exit code is 0 if each mutant applied, was built and failed its test; a test that
# cannot run here (77) has not failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
exec </dev/null
source_tree=$PWD
copy=$source_tree/build/mutants
bin=build/optimised/bin
: "${STELE_MUTANT_TIMEOUT:=600}" # seconds; a mutant may make a test wait for ever

# Makes the copy equal to the tree. Only what differs is written, so that little is built again.
restore() {
  git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
      [ ! -f "$file" ] || cmp -s "$file" "$copy/$file" ||
        cp --parents --preserve=mode "$file" "$copy" || return 1
    done
}

build() { # PROGRAMS
  local targets
  read -ra targets <<<"$1"
  (cd "$copy" && cmake --build --preset optimised --parallel "$(nproc)" --target "${targets[@]}") \
    >"$log" 2>&1
}

# What the tests of the Python package ask for; see python/CMakeLists.txt.
export STELE_STELED=$copy/$bin/steled STELE_LIBRARY=$copy/build/optimised/client-lib/libstele.so
export STELE_PYTHON=$copy/client-lib/python STELE_INCLUDE=$copy/client-lib/include

run_test() { # TEST PROGRAM
  local words
  read -ra words <<<"${1/$2/$bin/$2}"
  (cd "$copy" && timeout --kill-after=10 "$STELE_MUTANT_TIMEOUT" env "${words[@]}") >"$log" 2>&1
}

declare -A passes # test -> "yes", or why it says nothing
check_unchanged() { # TEST PROGRAM
  [ -z "${passes[$1]:-}" ] || return 0
  passes[$1]=yes
  build "$2" || { passes[$1]="the code as it is was not built" && return; }
  run_test "$1" "$2"
  case $? in
    0) ;;
    77) passes[$1]="cannot run here" ;;
    *) passes[$1]="fails without the mutant" ;;
  esac
}

# Sets `outcome`: "red" and the first case that failed, or why it is not.
try() { # PATCH TEST PROGRAM
  check_unchanged "$2" "$3"
  [ "${passes[$2]}" = yes ] || { outcome=${passes[$2]} && return; }
  if ! patch --directory="$copy" --strip=1 --fuzz=0 --forward --reject-file=- \
    --no-backup-if-mismatch <"$1" >"$log" 2>&1; then
    outcome="DOES NOT APPLY"
  elif ! build "$3"; then
    outcome="DOES NOT BUILD"
  else
    run_test "$2" "$3"
    case $? in
      0) outcome=SURVIVED ;;
      77) outcome="cannot run here" ;;
      124 | 137) outcome="red (it hung)" ;;
      *) outcome=red ;;
    esac
  fi
}

bash .ci/install-packages.sh build test faults mutants || exit 1
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for patch in tests/mutants/M*.patch; do names+=("$(basename "$patch" .patch)"); done
fi
mkdir -p "$copy" build/mutant-logs
restore || exit 1
(cd "$copy" && cmake --preset optimised --log-level=WARNING) >/dev/null || exit 1

rows=() bad=0
for name in "${names[@]}"; do
  patch=tests/mutants/$name.patch
  log=$source_tree/build/mutant-logs/$name
  [ -f "$patch" ] || { echo "no such mutant: $patch" >&2 && exit 2; }
  fault=$(sed -n 1p "$patch")
  test=$(sed -n 's/^Caught by: //p;/^---/q' "$patch")
  program=$(grep -oE '\b[a-z_]+_test\b' <<<"$test" | head -1)
  [[ $test != *tests/python/* ]] || program="steled stele_shared"
  try "$patch" "$test" "$program"
  restore || exit 1
  [[ $outcome == red* ]] || bad=1
  rows+=("$name|$fault|${test#* --run_test=}|$outcome")
  printf '%s  %s  %s\n' "$(date +%T)" "$name" "$outcome"
done

echo
{
  echo "mutant|fault|caught by|outcome"
  printf '%s\n' "${rows[@]}"
} | column -t -s '|' -o ' | '
exit $bad
