#!/bin/sh
# Sees to it that the Debian packages which are named as arguments are installed: root installs
# what is missing, others are told the line to run.
set -eu

if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian or Ubuntu: see to it yourself that there is what they call $*" >&2
    exit 0
fi

missing=
for package in "$@"; do
    # A package that was removed may still be known, with another status.
    status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null) || true
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "Debian packages are missing. Install them with this line, then run make again:" >&2
    echo "  sudo apt-get update && sudo apt-get install --yes --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing the Debian packages$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
# Not quoted: each word is a package.
apt-get install --quiet=2 --yes --no-install-recommends $missing >/dev/null
