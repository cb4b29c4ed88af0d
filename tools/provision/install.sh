#!/bin/sh
# Makes this Raspberry Pi a Greengrass core device. Running it again changes only what is not as it must be.
# usage: sudo sh install.sh [--check] [NUCLEUS_PACKAGE]
# NUCLEUS_PACKAGE: the .deb of nucleus lite, or the .zip of the classic nucleus, as downloaded; not needed where it runs.
# --check: only look and say, change nothing.
# PREFIX (environment) puts everything below another folder: for tests.
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
. "$here/device.env"
prefix=${PREFIX:-}
check=no
[ "${1-}" != "--check" ] || { check=yes; shift; }
package=${1-}
root=$prefix$ROOT
faults=0

ok() { printf 'ok    %s\n' "$*"; }
did() { printf 'did   %s\n' "$*"; }
warn() { printf 'warn  %s\n' "$*"; }
bad() { printf 'FAIL  %s\n' "$*"; faults=$((faults + 1)); }
end() { [ "$faults" = 0 ] || { printf '%s problem(s); nothing was installed\n' "$faults" >&2; exit 1; }; }

# 1. What this machine is.
[ "$(uname -s)" = Linux ] && ok "Linux $(uname -r)" || bad "this is no Linux"
case $(uname -m) in
    aarch64 | x86_64) ok "architecture $(uname -m)" ;;
    *) bad "architecture $(uname -m): 64 bits are needed; install the 64-bit Raspberry Pi OS" ;;
esac
glibc=$(getconf GNU_LIBC_VERSION 2> /dev/null | awk '{ print $2 }')
case ${glibc:-0} in
    2.3[4-9] | 2.[4-9][0-9] | [3-9].*) ok "glibc $glibc" ;;
    *) bad "glibc ${glibc:-unknown}: 2.34 or newer is needed (Debian 12)" ;;
esac
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null || true)
case $python in
    3.11 | 3.13) ok "Python $python" ;;
    '') bad "there is no python3; sudo apt-get install python3" ;;
    *) bad "Python $python: the packages are for 3.11 (Debian 12) and 3.13 (Debian 13)" ;;
esac
free=$(df -Pk "${prefix:-/}" | awk 'NR == 2 { print int($4 / 1024) }')
[ "$free" -ge 1024 ] && ok "$free MB free" || bad "only $free MB free: 1024 MB are needed"
year=$(date +%Y)
if [ "$year" -lt 2025 ]; then
    bad "the clock says $year: no certificate is valid then; timedatectl set-ntp true"
elif [ "$(timedatectl show -p NTPSynchronized --value 2> /dev/null)" = no ]; then
    warn "the clock is not synchronised yet"
else
    ok "clock $(date -u +%Y-%m-%dT%H:%MZ)"
fi
set -- "$prefix"/dev/video[0-9]*
if [ -e "$1" ]; then ok "camera device $1"; else warn "there is no /dev/video*: fine for RTSP cameras and clips"; fi
getent group video > /dev/null && ok "group video" || bad "there is no group video, which cameras belong to"
if [ "$check" = no ] && [ "$(id -u)" != 0 ] && [ -z "$prefix" ]; then bad "not root; sudo sh install.sh"; fi
case $NUCLEUS in
    lite) user=gg_component; owner=ggcore; there=ggl-cli ;;
    *) user=ggc_user; owner=root; there=greengrass-cli
       command -v java > /dev/null && ok "java" || bad "the classic nucleus needs Java; sudo apt-get install default-jre-headless" ;;
esac
running=no
if [ "$NUCLEUS" = lite ]; then
    command -v "$there" > /dev/null && running=yes
else
    [ ! -e "$root/alts/current/distro/lib/Greengrass.jar" ] || running=yes
fi
version=
if [ "$NUCLEUS" = lite ] && command -v dpkg > /dev/null; then
    if [ "$running" = yes ]; then
        version=$(dpkg-query -W -f '${Version}' aws-greengrass-lite 2> /dev/null || true)
    elif [ -n "$package" ]; then
        version=$(dpkg-deb -f "$package" Version 2> /dev/null || true)
    fi
fi
if [ -n "$version" ] && dpkg --compare-versions "$version" lt 2.4; then
    bad "nucleus lite $version: 2.4.0 or newer is needed, which installs components side by side"
fi
if [ "$running" = yes ]; then
    ok "the nucleus is installed"
elif [ -z "$package" ]; then
    bad "no nucleus: download it (nucleus $NUCLEUS, this architecture) and name the file: sh install.sh FILE"
elif [ ! -f "$package" ]; then
    bad "$package: there is no such file"
else
    ok "nucleus package $package"
fi
authority=$here/root-ca.pem
[ -f "$authority" ] || authority=$prefix/usr/share/ca-certificates/mozilla/Amazon_Root_CA_1.crt
[ -f "$authority" ] && ok "authority $authority" || bad "Amazon's root certificate is missing; sudo apt-get install ca-certificates"
for file in device.pem device.key config.yaml; do
    [ -s "$here/$file" ] || bad "$here/$file is missing: unpack the bundle again"
done
end
[ "$check" = no ] || exit 0

# 2. Users: components run as their own, which may open cameras.
if ! getent passwd "$user" > /dev/null; then
    useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$user"
    did "user $user"
fi
[ "$NUCLEUS" = classic ] || getent passwd "$owner" > /dev/null || {
    useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$owner"
    did "user $owner"
}
if id -nG "$user" | tr ' ' '\n' | grep -qx video; then
    ok "$user is in the group video"
else
    usermod --append --groups video "$user"
    did "$user joined the group video"
fi

# 3. Keys and configuration, readable by the nucleus alone.
put() {
    if cmp -s "$1" "$2"; then
        ok "$2"
    else
        cp "$1" "$2.new" && chmod "$3" "$2.new" && { chown "$owner:$owner" "$2.new" || [ -n "$prefix" ]; }
        mv "$2.new" "$2"
        did "$2"
        changed=yes
    fi
    chmod "$3" "$2"
}
changed=no
# The users of the nucleus and the components must get through every new folder on the way.
folder() { (umask 022 && mkdir -p "$1"); }
folder "$root"
chmod 755 "$root"
[ -n "$prefix" ] || chown "$owner:$owner" "$root"
put "$here/device.pem" "$root/device.pem" 600
put "$here/device.key" "$root/device.key" 600
put "$authority" "$root/root-ca.pem" 644
if [ "$NUCLEUS" = lite ]; then
    folder "$prefix/etc/greengrass"
    put "$here/config.yaml" "$prefix/etc/greengrass/config.yaml" 600
else
    folder "$root/config"
    put "$here/config.yaml" "$root/config/smartcam-initial.yaml" 600
fi

# 4. The nucleus.
if [ "$running" = no ]; then
    if [ "$NUCLEUS" = lite ]; then
        apt-get install --yes "$(cd "$(dirname "$package")" && pwd)/$(basename "$package")"
    else
        rm -rf "$root/installer"
        python3 -m zipfile -e "$package" "$root/installer"
        java "-Droot=$root" -Dlog.store=FILE -jar "$root/installer/lib/Greengrass.jar" \
            --init-config "$root/config/smartcam-initial.yaml" --component-default-user "$user:$user" \
            --setup-system-service true
        rm -rf "$root/installer"
    fi
    did "nucleus $NUCLEUS"
elif [ "$changed" = yes ]; then
    if [ "$NUCLEUS" = lite ]; then systemctl restart greengrass-lite.target; else systemctl restart greengrass.service; fi
    did "restarted the nucleus"
fi

# 5. A command that says what is wrong with this device; root's own file, because root calls it.
doctor=$prefix/usr/local/bin/smartcam-doctor
folder "${doctor%/*}"
{ printf '#!/bin/sh\n%s\n' "root='$root' user=$user"; cat "$here/doctor.sh"; } > "$doctor.new"
chmod 755 "$doctor.new"
if cmp -s "$doctor.new" "$doctor"; then rm "$doctor.new"; else mv "$doctor.new" "$doctor"; did "$doctor"; fi
echo "$THING is ready: it connects to $ENDPOINT and takes what its thing group is deployed."
