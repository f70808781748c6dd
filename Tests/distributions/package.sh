#!/usr/bin/env bash
# Installs a package that assets/package/build-deb.sh made in a bare Debian without Swift, and opens the cat:
# `package.sh vocoscope_VERSION_ARCH.deb [SUITE]`; the suite is that of this machine unless it is named.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source Tests/distributions/chroot.sh
package=${1:?name the .deb}
suite=${2:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
folder=$(mktemp -d "${TMPDIR:-/tmp}/vocoscope-$suite.XXXX")
trap 'remove_chroot "$folder"' EXIT
make_chroot "$suite" "$folder"
cp "$package" "$folder/root/vocoscope.deb"
inside "$folder" apt-get update -qq
inside "$folder" apt-get install -y -qq /root/vocoscope.deb >/dev/null
! inside "$folder" bash -c 'command -v swift' || { echo "there is a Swift in the chroot" >&2; exit 1; }
inside "$folder" vocoscope --version
inside "$folder" test -s /usr/share/man/man1/vocoscope.1.gz
inside "$folder" test -s /usr/share/bash-completion/completions/vocoscope
inside "$folder" vocoscope ask /usr/share/vocoscope/images/scene-1.png "what is in the picture?" --from voco
inside "$folder" vocoscope --plain /usr/share/vocoscope/images/cat.jpg </dev/null | head -n 20
# The inspector on the cat and on a scene; after a while panel 5, and q.
for picture in cat.jpg scene-1.png; do
  (sleep "${VOCOSCOPE_WAIT:-40}"; printf 5; sleep 3; printf q) |
    inside "$folder" script -qec "stty rows 40 columns 120; vocoscope /usr/share/vocoscope/images/$picture" /root/screen.log >/dev/null
  for words in "$picture" Verdict; do
    shown "$folder/root/screen.log" | grep -aq "$words" || { echo "$picture: no $words on screen" >&2; exit 1; }
  done
done
echo "$suite: installed, and both pictures are on screen"
