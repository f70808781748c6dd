#!/usr/bin/env bash
# Builds vocoscope_VERSION_ARCH.deb in the folder named, or in the current one: the program with Swift's runtime linked
# statically, its manual page, completions for bash, zsh and fish, the demo checkpoint, pictures and questions.
# The machine needs what the README installs, and dpkg-dev. The package is for the Debian that it is built on: 12 has
# libdnnl2, 13 has libdnnl3.
set -euo pipefail
out=$(realpath "${1:-.}")
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
cd "$root"
command -v dpkg-shlibdeps >/dev/null || { echo "dpkg-shlibdeps is needed: apt-get install dpkg-dev" >&2; exit 1; }

swift build -c release --static-swift-stdlib --scratch-path "${BUILD:-.build-deb}" --product vocoscope
program="${BUILD:-.build-deb}/release/vocoscope"
version=$("$program" --version | tail -n 1 | tr -cd '0-9A-Za-z.+~-')
architecture=$(dpkg --print-architecture)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree="$work/vocoscope"
share="$tree/usr/share"
mkdir -p "$tree/DEBIAN" "$share/doc/vocoscope" "$share/vocoscope"
chmod 755 "$work"
install -D -s -m 755 "$program" "$tree/usr/bin/vocoscope"
# The folders that AssetLocator looks for beside an installed program.
for folder in models images evaluation python; do cp -r "assets/$folder" "$share/vocoscope/"; done
find "$share/vocoscope" -name __pycache__ -prune -exec rm -rf {} +
install -D -m 644 assets/man/vocoscope.1 "$share/man/man1/vocoscope.1"
gzip -9n "$share/man/man1/vocoscope.1"
install -d "$share/bash-completion/completions" "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d"
"$program" --generate-completion-script bash >"$share/bash-completion/completions/vocoscope"
"$program" --generate-completion-script zsh >"$share/zsh/vendor-completions/_vocoscope"
"$program" --generate-completion-script fish >"$share/fish/vendor_completions.d/vocoscope.fish"
cp README.md "$share/doc/vocoscope/"
find "$tree" -type d -exec chmod 755 {} + && find "$share" -type f -exec chmod 644 {} +

# dpkg-shlibdeps reads a source package's control file; one line of it is enough.
mkdir -p "$work/debian"
echo "Source: vocoscope" >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O "$tree/usr/bin/vocoscope" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "dpkg-shlibdeps found no libraries in $program" >&2; exit 1; }
cat >"$tree/DEBIAN/control" <<CONTROL
Package: vocoscope
Version: $version
Architecture: $architecture
Maintainer: Vocoscope developers <noreply@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Depends: $depends
Recommends: ncurses-term
Section: science
Priority: optional
Description: terminal inspector of HTC-VLM and LLaVA vision-language models
 Opens a picture and a checkpoint, and shows what the model looks at: patches,
 codes, anchors, mask, and the attention of <voco> in every layer and head.
 Runs over ssh, in any terminal, on a CPU.
CONTROL
dpkg-deb --build --root-owner-group -Zxz -z1 "$tree" "$out/vocoscope_${version}_$architecture.deb"
