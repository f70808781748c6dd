# Sourced: `make_chroot SUITE DIR` makes a bare Debian there, and `inside DIR COMMAND…` runs a command in it.
# Needs root, debootstrap and Debian's archive.

make_chroot() {
  command -v debootstrap >/dev/null || { echo "debootstrap is needed: apt-get install debootstrap" >&2; return 1; }
  [ "$(id -u)" = 0 ] || { echo "a chroot is made by root" >&2; return 1; }
  debootstrap --variant=minbase "$1" "$2" ${DEBIAN_MIRROR:-} >"$2.log" 2>&1 ||
    { tail -n 5 "$2.log" >&2; return 1; }
  # apt downloads as a user of its own.
  chmod 755 "$2"
  mount -t proc proc "$2/proc"
  mount --bind /dev "$2/dev"
  mount --bind /dev/pts "$2/dev/pts"
  cp /etc/resolv.conf "$2/etc/resolv.conf"
  local file
  for file in /etc/apt/apt.conf.d/*; do
    # How this machine reaches the archive, such as a proxy; not how its images clean up after themselves.
    if grep -qi proxy "$file"; then cp "$file" "$2/etc/apt/apt.conf.d/"; fi
  done
}

# What a terminal in the chroot showed, without the line in which `script` says what it ran.
shown() { tail -n +2 "$1"; }

inside() {
  local folder=$1
  shift
  chroot "$folder" /usr/bin/env -i HOME=/root TERM=xterm-256color LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH="${CHROOT_PATH:-}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@"
}

remove_chroot() {
  local place
  for place in $(awk -v root="$1/" 'index($2, root) == 1 { print $2 }' /proc/mounts | sort -r); do umount "$place"; done
  # Never across a mount that is still there.
  rm -rf --one-file-system "$1" "$1.log"
}
