#!/bin/sh
# Takes the nucleus, the keys and the configuration off this machine. Running it again changes nothing.
# usage: sudo sh uninstall.sh [--purge]
# --purge: also what the components have stored, events that wait for the cloud among it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/device.env"
purge=no
for argument; do
    [ "$argument" = --purge ] || { echo "uninstall.sh: $argument: sh uninstall.sh [--purge]; nothing was removed" >&2; exit 2; }
    purge=yes
done
did() { printf 'did   %s\n' "$*"; }
status() { dpkg-query -W -f '${db:Status-Status}' aws-greengrass-lite 2> /dev/null || echo none; }
remove() { # what is there of it
    for file; do
        [ -e "$file" ] || [ -L "$file" ] || continue
        rm -rf "$file"
        did "removed $file"
    done
}

[ "$(id -u)" = 0 ] || { echo "not root; sudo sh uninstall.sh" >&2; exit 1; }
if [ "$NUCLEUS" = lite ]; then
    case $(status) in none | not-installed) step= ;; config-files) step=purge ;; *) step=remove ;; esac
    [ "$purge" = no ] && [ "$step" = purge ] && step=
    if [ -n "$step" ]; then
        # The components, too, and what is left of a version whose unit is gone: a user who runs something stays.
        systemctl stop greengrass-lite.target 'ggl.*' || true
        # The package's postrm, run by dash, removes its users without looking whether they exist.
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
        cat > "$scratch/userdel" << 'SCRIPT'
#!/bin/sh
for name; do :; done
! getent passwd "$name" > /dev/null || exec /usr/sbin/userdel "$@"
SCRIPT
        chmod 700 "$scratch/userdel"
        [ "$purge" = no ] || step=purge
        PATH=$scratch:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            dpkg --force-remove-reinstreq "--$step" aws-greengrass-lite
        did "removed nucleus lite"
    fi
    remove /etc/greengrass/config.yaml /etc/greengrass/config.d/zz-smartcam.yaml
    # The package's own file, which is masked; removing the package does not touch it.
    remove /etc/greengrass/config.d/greengrass-lite.yaml
else
    if [ -e /etc/systemd/system/greengrass.service ]; then
        systemctl disable --now greengrass.service || true
        rm -f /etc/systemd/system/greengrass.service
        systemctl daemon-reload || true
        did "removed the service of the classic nucleus"
    fi
    remove "$ROOT/config/smartcam-initial.yaml"
fi
# A power cut while install.sh wrote a key has left a `.new`.
remove "$ROOT/device.pem" "$ROOT/device.key" "$ROOT/root-ca.pem" "$ROOT/device.key.new" /usr/local/bin/smartcam-doctor
if [ "$purge" = yes ] && [ -n "$ROOT" ]; then
    remove "$ROOT"
    [ "$NUCLEUS" = classic ] || remove /etc/greengrass
elif [ -d "$ROOT/work" ]; then
    echo "kept  $ROOT/work (events that wait for the cloud); --purge removes it"
fi
if [ "$NUCLEUS" = lite ]; then
    for name in ggcore gg_component; do
        [ "$purge" = yes ] || break
        if getent passwd "$name" > /dev/null; then
            userdel "$name" || { echo "FAIL  $name still runs something: end it (ps -u $name), then this again" >&2; exit 1; }
            did "removed the user $name"
        fi
        remove "/home/$name"
    done
    # The package enables its units and leaves the links; the components' units lay in the folder that is gone.
    units=/etc/systemd/system
    links=$(find "$units" \( -name 'ggl.*' -o -name greengrass-lite.target \) -xtype l)
    if [ -n "$links" ]; then
        remove $links
        find "$units" -mindepth 1 -type d -name 'greengrass-lite.target.*' -empty -delete
        systemctl daemon-reload
        systemctl reset-failed 'ggl.*' 2> /dev/null || true
    fi
fi
echo "In the cloud the device still exists: smartcam provision $THING --remove"
