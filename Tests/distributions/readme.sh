#!/usr/bin/env bash
# Runs both commands of the README, as they stand there, in a bare Debian of each suite named: `readme.sh bookworm trixie`
# (without names, both). On demand: a suite takes as long as two clean builds and all tests. Swift comes from this machine.
# BUILD_DIRS names a folder in which each suite keeps what it built, so that another try goes on from there; with
# ONLY_OPEN=1 the tests are left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source Tests/distributions/chroot.sh
[ $# -gt 0 ] || set -- bookworm trixie
toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
# What Swift's own page asks for beside a toolchain.
needed="binutils ca-certificates git libc6-dev libcurl4 libedit2 libgcc-12-dev libncurses6 libsqlite3-0 libstdc++-12-dev libxml2 tzdata zlib1g-dev"

# The first line in a code block after a heading.
command_after() {
  awk -v heading="$1" '$0 == heading { found = 1 } found && /^```/ { inside = !inside; if (!inside) exit; next } found && inside { print; exit }' README.md
}
open=$(command_after "## Open a picture")
test=$(command_after "## Test")
[ -n "$open" ] && [ -n "$test" ] || { echo "README.md has not both commands" >&2; exit 1; }

for suite in "$@"; do
  folder=$(mktemp -d "${TMPDIR:-/tmp}/vocoscope-$suite.XXXX")
  trap 'remove_chroot "$folder"' EXIT
  make_chroot "$suite" "$folder"
  mkdir -p "$folder/opt/swift" "$folder/root/vocoscope"
  mount --bind -o ro "$toolchain" "$folder/opt/swift"
  # Where this machine finds the package's dependencies.
  if [ -d "$HOME/.swiftpm" ]; then cp -r "$HOME/.swiftpm" "$folder/root/"; fi
  { git config --get-regexp '^url\..*\.insteadof$' || true; } | while read -r key address; do
    place=${key#url.}
    place=${place%.insteadof}
    [ -d "$place" ] || continue
    printf '[url "%s"]\n\tinsteadOf = %s\n' "$place" "$address" >>"$folder/root/.gitconfig"
    mkdir -p "$folder$place"
    mountpoint -q "$folder$place" || mount --bind -o ro "$place" "$folder$place"
  done
  git archive HEAD | tar -x -C "$folder/root/vocoscope"
  if [ -n "${BUILD_DIRS:-}" ]; then
    mkdir -p "$BUILD_DIRS/$suite" "$folder/root/vocoscope/.build"
    mount --bind "$BUILD_DIRS/$suite" "$folder/root/vocoscope/.build"
  fi
  export CHROOT_PATH=/opt/swift/bin:
  inside "$folder" apt-get update -qq
  inside "$folder" apt-get install -y -qq $needed >/dev/null
  echo "== $suite: $open"
  # The inspector needs a terminal; it gets q a while after its picture's name is on screen.
  touch "$folder/root/open.log"
  (
    until shown "$folder/root/open.log" | grep -aq "scene-1.png" || [ -e "$folder/root/ended" ]; do sleep 5; done
    sleep 30
    # A command that ended by itself reads it no more; what it left is looked at below.
    trap '' PIPE
    printf q 2>/dev/null || true
  ) | {
    inside "$folder" script -qfec "stty rows 40 columns 120; cd /root/vocoscope && $open" /root/open.log >/dev/null ||
      touch "$folder/root/failed"
    touch "$folder/root/ended"
  }
  if [ -e "$folder/root/failed" ]; then
    tail -n 20 "$folder/root/open.log" >&2
    echo "$suite: the first command failed" >&2
    exit 1
  fi
  shown "$folder/root/open.log" | grep -aq Verdict || { echo "$suite: the inspector was not on screen" >&2; exit 1; }
  [ -z "${ONLY_OPEN:-}" ] || { remove_chroot "$folder"; trap - EXIT; continue; }
  echo "== $suite: $test"
  inside "$folder" bash -c "cd /root/vocoscope && $test" >"$folder/root/test.log" 2>&1 ||
    { grep -aE 'error|✘' "$folder/root/test.log" | tail -n 20 >&2; echo "$suite: the second command failed" >&2; exit 1; }
  tail -n 1 "$folder/root/test.log"
  remove_chroot "$folder"
  trap - EXIT
done
