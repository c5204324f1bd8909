#!/usr/bin/env bash
# boot.sh BUILD_DIR [service|disk|procedures|packages]: boots Debian's systemd as process 1 of its
# own PID, mount and cgroup namespaces, on a copy-on-write view of this machine's files, and runs
# the cases of that name there; for the packages the view has those of the build, for the others
# steled is installed in it. Nothing stays behind. 77: this machine cannot do that.
set -euo pipefail
build=$(realpath "$1") here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
cases=${2:-service}

lacking() {
  echo "skipped: $1"
  exit 77
}
[ "$(id -u)" = 0 ] || lacking "needs root"
[ -x /lib/systemd/systemd ] || lacking "there is no systemd"

# The copy-on-write view, at /mnt/root.
mount_view() {
  mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/root &&
    mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
}

# A small file system of its own, on a loop device: PATH.
mount_disk() {
  truncate -s 128M /mnt/disk && mkfs.ext4 -q -m 0 /mnt/disk && mkdir -p "$1" &&
    mount -o loop /mnt/disk "$1"
}

# The packages, and again as those of the next release, below run/packages.
upgrade_of() {
  mkdir run/packages
  cp "$@" run/packages
  local package
  for package in run/packages/*-1_*.deb; do
    dpkg-deb -R "$package" tmp/package
    sed -i 's/0\.1\.0-1/0.1.0-2/' tmp/package/DEBIAN/control
    dpkg-deb -Znone -b tmp/package "${package/-1_/-2_}" >/dev/null
    rm -r tmp/package
  done
}

inside() {
  mount --make-rprivate /
  mount_view
  cd /mnt/root
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs tmpfs run
  mount -t tmpfs tmpfs tmp
  mount -t tmpfs tmpfs dev
  local node
  for node in null zero full random urandom tty; do
    touch dev/$node
    mount --bind /dev/$node dev/$node
  done
  mkdir dev/shm dev/pts
  mount -t tmpfs tmpfs dev/shm
  mount -t devpts -o ptmxmode=0666 devpts dev/pts
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
  touch dev/console run/result
  mount --bind /dev/null dev/console
  mount --bind "$result" run/result
  cp "$here"/*_cases.py run
  [ "$cases" != disk ] || mount_disk var/lib/stele-disk
  if [ "$cases" = packages ]; then
    rm -f usr/sbin/policy-rc.d # Containers have one, which forbids services.
    # What other packages override is nothing to these; and dpkg refuses to work where it names a
    # user that the view does not know.
    : >var/lib/dpkg/statoverride
    rm -f var/lib/man-db/auto-update # The index of all manuals is made at each dpkg.
    upgrade_of "$build"/packages/*.deb
  else
    DESTDIR=$PWD cmake --install "$build" --prefix /usr/local >/dev/null
  fi
  rm -rf etc/systemd/system/*
  cat >etc/systemd/system/cases.service <<EOF
[Unit]
FailureAction=exit-force
SuccessAction=exit-force
[Service]
Type=oneshot
Environment=STELE_RESTARTS=${STELE_RESTARTS:-3}
ExecStart=/bin/sh -c 'exec python3 -B /run/${cases}_cases.py >/run/result 2>&1'
EOF
  mkdir oldroot
  pivot_root . oldroot
  [ "$cases" = packages ] || { systemd-sysusers && systemd-tmpfiles --create stele.conf; }
  umount -l /oldroot
  mount --make-rshared /
  exec env -i container=stele-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=cases.service --log-level=warning --log-target=null
}

case ${3:-} in
  probe) mount -t cgroup2 cgroup2 /mnt && umount /mnt && mount_view ;;
  probe_disk) mount_view && mount_disk /mnt/probe ;;
  inside) result=$4 && inside ;;
  *)
    own=("${BASH_SOURCE[0]}" "$build" "$cases")
    unshare --pid --fork --mount --cgroup bash "${own[@]}" probe ||
      lacking "needs namespaces, cgroup2 and overlayfs"
    [ "$cases" != disk ] || unshare --mount bash "${own[@]}" probe_disk ||
      lacking "needs ext4 on a loop device"
    result=$(mktemp)
    trap 'rm -f "$result"' EXIT
    unshare --pid --fork --mount --cgroup --ipc --uts bash "${own[@]}" inside "$result" || true
    cat "$result"
    grep -qx OK "$result"
    ;;
esac
