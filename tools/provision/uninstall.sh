#!/bin/sh
# Takes the nucleus, the keys and the configuration off this machine. Running it again changes nothing.
# usage: sudo sh uninstall.sh [--purge]
# --purge: also what the components have stored, events that wait for the cloud among it.
# PREFIX (environment) puts everything below another folder: for tests.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/device.env"
prefix=${PREFIX:-}
root=$prefix$ROOT
did() { printf 'did   %s\n' "$*"; }

[ "$(id -u)" = 0 ] || [ -n "$prefix" ] || { echo "not root; sudo sh uninstall.sh" >&2; exit 1; }
if [ "$NUCLEUS" = lite ]; then
    if command -v ggl-cli > /dev/null; then
        systemctl stop greengrass-lite.target || true
        apt-get remove --yes aws-greengrass-lite
        did "removed nucleus lite"
    fi
    config=$prefix/etc/greengrass/config.yaml
else
    if [ -e "$prefix/etc/systemd/system/greengrass.service" ]; then
        systemctl disable --now greengrass.service || true
        rm -f "$prefix/etc/systemd/system/greengrass.service"
        systemctl daemon-reload || true
        did "removed the service of the classic nucleus"
    fi
    config=$root/config/smartcam-initial.yaml
fi
for file in "$root/device.pem" "$root/device.key" "$root/root-ca.pem" "$config" "$prefix/usr/local/bin/smartcam-doctor"; do
    [ ! -e "$file" ] || { rm -f "$file"; did "removed $file"; }
done
if [ "${1-}" = --purge ] && [ -n "$ROOT" ] && [ -d "$root" ]; then
    rm -rf "$root"
    did "removed $root"
elif [ -d "$root/work" ]; then
    echo "kept  $root/work (events that wait for the cloud); --purge removes it"
fi
echo "In the cloud the device still exists: smartcam provision $THING --remove"
