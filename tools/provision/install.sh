#!/bin/sh
# Makes this Raspberry Pi a Greengrass core device. Running it again changes only what is not as it must be.
# usage: sudo sh install.sh [--check] [NUCLEUS]
# NUCLEUS: what was downloaded. Nucleus lite: the .deb, or the .zip that holds it; a newer one upgrades. The classic
# nucleus: the .zip. Not needed where the nucleus is installed.
# --check: only look and say, change nothing.
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
. "$here/device.env"
check=no given=
for argument; do
    case $argument in
        --check) check=yes; continue ;;
        -*) echo "install.sh: $argument: there is no such option; sh install.sh [--check] [NUCLEUS]" >&2; exit 2 ;;
    esac
    [ -z "$given" ] || { echo "install.sh: $argument: give one NUCLEUS only" >&2; exit 2; }
    given=$argument
done
faults=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

ok() { printf 'ok    %s\n' "$*"; }
did() { printf 'did   %s\n' "$*"; }
warn() { printf 'warn  %s\n' "$*"; }
bad() { printf 'FAIL  %s\n' "$*"; faults=$((faults + 1)); }
end() { [ "$faults" = 0 ] || { printf '%s problem(s); %s\n' "$faults" "$*" >&2; exit 1; }; }
as() { # as this user
    name=$1
    shift
    setpriv --reuid "$name" --regid "$name" --init-groups "$@"
}

# Root's own hand writes only into folders that root alone can change, and so can each folder and link on the way there.
sealed() { # whether this is so; $gap is the folder that others can change
    for place in "$1" "$(readlink -m "$1")"; do
        while [ "$place" != / ]; do
            place=$(dirname "$place") gap=$place
            [ -e "$place" ] || [ -L "$place" ] || continue
            # Debian's staff may write below /usr/local, and is as good as root.
            case $(stat -L -c '%u %A %G' "$place") in
                0\ d????-??-?\ * | 0\ d???????-?\ root | 0\ d???????-?\ staff) ;;
                *) return 1 ;;
            esac
        done
    done
}
put() { # FILE PLACE MODE OWNER: by root where only root can write, else by the folder's owner, who is the file's
    if sealed "$2"; then
        writer=root
    elif sealed "${2%/*}" && [ "$(stat -L -c %U "${2%/*}")" = "$4" ]; then
        # Who has taken the folder over may plant links in it: they lead to nothing that is not the owner's already.
        writer=$4
    else
        bad "$2: others than root can change $gap; chown root:root $gap && chmod go-w $gap, then run this again"
        end "not all of it is installed"
    fi
    if [ -f "$2" ] && [ ! -L "$2" ] && [ "$(stat -c '%a %U' "$2")" = "$3 $4" ] && as "$writer" cmp -s - "$2" < "$1"; then
        ok "$2"
    elif as "$writer" sh -euC -c 'umask 077; rm -f "$1.new"; cat > "$1.new"; chmod "$2" "$1.new"
        [ "$(id -un)" = "$3" ] || chown "$3:$3" "$1.new"; mv -fT "$1.new" "$1"' sh "$2" "$3" "$4" < "$1"; then
        did "$2"
        changed=yes
    else
        bad "$2 cannot be written: the reason stands above"
        end "not all of it is installed"
    fi
}

# 1. What this machine is.
[ "$(uname -s)" = Linux ] && ok "Linux $(uname -r)" || bad "this is no Linux"
machine=$(dpkg --print-architecture 2> /dev/null || uname -m)
case $machine in
    arm64 | aarch64) ok "architecture $machine" ;;
    amd64 | x86_64) ok "architecture $machine" ;;
    *) bad "architecture $machine: 64 bits are needed; install the 64-bit Raspberry Pi OS" ;;
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
free=$(df -Pk / | awk 'NR == 2 { print int($4 / 1024) }')
[ "$free" -ge 1024 ] && ok "$free MB free" || bad "only $free MB free: 1024 MB are needed"
year=$(date +%Y)
if [ "$year" -lt 2025 ]; then
    bad "the clock says $year: no certificate is valid then; timedatectl set-ntp true"
elif [ "$(timedatectl show -p NTPSynchronized --value 2> /dev/null)" = no ]; then
    warn "the clock is not synchronised yet"
else
    ok "clock $(date -u +%Y-%m-%dT%H:%MZ)"
fi
set -- /dev/video[0-9]*
if [ -e "$1" ]; then ok "camera device $1"; else warn "there is no /dev/video*: fine for RTSP cameras and clips"; fi
getent group video > /dev/null && ok "group video" || bad "there is no group video, which cameras belong to"
if [ "$check" = no ]; then
    [ "$(id -u)" = 0 ] || bad "not root; sudo sh install.sh"
    [ -d /run/systemd/system ] || bad "systemd does not run here: the nucleus is started by it"
fi
authority=$here/root-ca.pem
[ -f "$authority" ] || authority=/usr/share/ca-certificates/mozilla/Amazon_Root_CA_1.crt
[ -f "$authority" ] && ok "authority $authority" || bad "Amazon's root certificate is missing; sudo apt-get install ca-certificates"
files="device.pem device.key config.yaml doctor.sh"
[ "$NUCLEUS" = classic ] || files="$files zz-smartcam.yaml"
for file in $files; do
    [ -s "$here/$file" ] || bad "$here/$file is missing: unpack the bundle again"
done
drop_ins=/etc/greengrass/config.d doctor=/usr/local/bin/smartcam-doctor
for target in "$ROOT" "$drop_ins/zz-smartcam.yaml" "$doctor"; do
    sealed "$target" || bad "$target: others than root can change $gap; chown root:root $gap && chmod go-w $gap"
done

# 2. Which nucleus is there, and what is to be done: nothing, install, or mend what an installation left half-done.
fits() { # whether a .deb is nucleus lite for this machine: AWS's says "all", so its program's ELF header is asked, too
    [ "$(dpkg-deb -f "$1" Package 2> /dev/null)" = aws-greengrass-lite ] || return 1
    case $(dpkg-deb -f "$1" Architecture) in all | "$machine") ;; *) return 1 ;; esac
    code=$(dpkg-deb --fsys-tarfile "$1" | tar -xOf - --wildcards '*usr/bin/ggl-cli' 2> /dev/null |
        od -An -tx2 -j18 -N2 2> /dev/null | tr -d ' \n')
    case $machine/$code in */ | arm64/00b7 | amd64/003e) ;; *) return 1 ;; esac
}
find_package() { # the one .deb that fits, in $package
    package=
    if python3 -m zipfile -t "$given" > /dev/null 2>&1; then
        python3 -m zipfile -e "$given" "$scratch/zip" || { bad "$given is damaged: download it again"; return 0; }
        find "$scratch/zip" -name '*.deb' | sort > "$scratch/list"
    else
        printf '%s/%s\n' "$(cd "$(dirname "$given")" && pwd)" "$(basename "$given")" > "$scratch/list"
    fi
    while IFS= read -r file; do
        fits "$file" || continue
        [ -z "$package" ] || { bad "$given holds more than one nucleus for $machine: unpack it and name one .deb"; return 0; }
        package=$file
    done < "$scratch/list"
    [ -n "$package" ] || bad "$given holds no nucleus lite for $machine: download the one for this architecture"
}
status() { dpkg-query -W -f '${db:Status-Status}' aws-greengrass-lite 2> /dev/null || echo none; }
there() { dpkg-query -W -f '${Version}' aws-greengrass-lite 2> /dev/null; }
todo=nothing package=
if [ -n "$given" ] && [ ! -f "$given" ]; then
    bad "$given: there is no such file"
elif [ "$NUCLEUS" = lite ]; then
    user=gg_component owner=ggcore root_unit=greengrass-lite.target
    [ -z "$given" ] || find_package
    case $(status) in
        installed)
            version=$(there)
            ok "nucleus lite $version is installed"
            if [ -n "$package" ] && dpkg --compare-versions "$(dpkg-deb -f "$package" Version)" gt "$version"; then
                todo=install
            fi
            ;;
        unpacked | half-configured | triggers-*)
            version=$(there) todo=mend
            warn "nucleus lite $version is half-installed: an installation before this one failed"
            [ -z "$package" ] || todo=install
            ;;
        *) todo=install ;;
    esac
    if [ "$todo" = install ] && [ -n "$package" ]; then
        version=$(dpkg-deb -f "$package" Version)
        ok "nucleus lite $version in $given"
    fi
    if [ "$todo" = install ] && [ -z "$given" ]; then
        bad "no nucleus: download it (nucleus lite, $machine) and name the file: sudo sh install.sh FILE"
    elif [ -n "${version-}" ] && dpkg --compare-versions "$version" lt 2.4; then
        bad "nucleus lite $version: 2.4.0 or newer is needed, which installs components side by side"
    fi
else
    user=ggc_user owner=root root_unit=greengrass.service
    command -v java > /dev/null && ok "java" || bad "the classic nucleus needs Java; sudo apt-get install default-jre-headless"
    if [ -e "$ROOT/alts/current/distro/lib/Greengrass.jar" ]; then
        ok "the classic nucleus is installed"
    elif [ -z "$given" ]; then
        bad "no nucleus: download it (the classic nucleus) and name the file: sudo sh install.sh FILE"
    else
        todo=install
        ok "nucleus $given"
    fi
fi
end "nothing was installed"
[ "$check" = no ] || exit 0

# 3. Nucleus lite's package. Its postinst, run by dash, creates its users without looking whether they exist; useradd fails
# then, and with it every upgrade and every second try. For the package's scripts alone, a user who exists is no fault.
changed=no
mkdir "$scratch/bin"
cat > "$scratch/bin/useradd" << 'SCRIPT'
#!/bin/sh
for name; do :; done
getent passwd "$name" > /dev/null || exec /usr/sbin/useradd "$@"
SCRIPT
chmod 700 "$scratch/bin/useradd"
path=$scratch/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ "$NUCLEUS" = lite ] && [ "$todo" != nothing ]; then
    if [ "$todo" = mend ]; then
        (umask 022 && PATH=$path dpkg --configure aws-greengrass-lite) ||
            (umask 022 && DEBIAN_FRONTEND=noninteractive apt-get -o "DPkg::Path=$path" --fix-broken install --yes) || true
    else
        (umask 022 && DEBIAN_FRONTEND=noninteractive apt-get -o "DPkg::Path=$path" install --yes "$package") || true
    fi
    [ "$(status) $(there)" = "installed $version" ] ||
        bad "the package of nucleus lite $version is not installed: the reason stands above; mend it, then run this again"
    end "the nucleus could not be installed"
    did "nucleus lite $(there)"
    changed=yes
fi

# 4. Users: components run as their own, which may open cameras.
for name in "$owner" "$user"; do
    getent passwd "$name" > /dev/null || {
        useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$name"
        did "user $name"
    }
done
if id -nG "$user" | tr ' ' '\n' | grep -qx video; then
    ok "$user is in the group video"
else
    usermod --append --groups video "$user"
    did "$user joined the group video"
    changed=yes
fi

# 5. Keys and configuration, readable by the nucleus alone.
# The users of the nucleus and the components must get through every new folder on the way.
folder() { (umask 022 && mkdir -p "$1"); }
folder "$ROOT"
chmod 755 "$ROOT"
chown "$owner:$owner" "$ROOT"
put "$here/device.pem" "$ROOT/device.pem" 600 "$owner"
put "$here/device.key" "$ROOT/device.key" 600 "$owner"
put "$authority" "$ROOT/root-ca.pem" 644 "$owner"
if [ "$NUCLEUS" = lite ]; then
    folder "$drop_ins"
    put "$here/config.yaml" /etc/greengrass/config.yaml 600 "$owner"
    put "$here/zz-smartcam.yaml" "$drop_ins/zz-smartcam.yaml" 644 "$owner"
    # The package writes, at each upgrade, a file that gives components the nucleus's own user. Of the files in this folder
    # the one that the file system lists last wins, whatever its name: so the package writes into nothing, and the nucleus,
    # which reads plain files alone, does not see it.
    masked=$drop_ins/greengrass-lite.yaml
    if [ "$(readlink "$masked" || true)" = /dev/null ]; then
        ok "$masked is masked"
    else
        ln -sfn /dev/null "$masked"
        did "masked $masked: it lets components run as $owner"
        changed=yes
    fi
else
    folder "$ROOT/config"
    put "$here/config.yaml" "$ROOT/config/smartcam-initial.yaml" 600 "$owner"
fi
if [ "$NUCLEUS" = classic ] && [ "$todo" = install ]; then
    python3 -m zipfile -e "$given" "$scratch/classic"
    java "-Droot=$ROOT" -Dlog.store=FILE -jar "$scratch/classic/lib/Greengrass.jar" \
        --init-config "$ROOT/config/smartcam-initial.yaml" --component-default-user "$user:$user" \
        --setup-system-service true
    did "the classic nucleus"
    changed=no
fi

# 6. A command that says what is wrong with this device; root's own file, because root calls it.
folder "${doctor%/*}"
{ printf '#!/bin/sh\n%s\n' "root='$ROOT' user=$user"; cat "$here/doctor.sh"; } > "$scratch/doctor"
before=$changed
put "$scratch/doctor" "$doctor" 755 root
changed=$before # nothing that the nucleus reads

# 7. Started now and at each start of the machine.
if ! systemctl is-enabled --quiet "$root_unit"; then
    systemctl enable --quiet "$root_unit" && did "enabled $root_unit" || true
fi
if ! systemctl is-active --quiet "$root_unit"; then
    systemctl start "$root_unit" && did "started the nucleus" || true
elif [ "$changed" = yes ]; then
    systemctl restart "$root_unit" && did "restarted the nucleus" || true
fi

# 8. Whether all of it is so.
systemctl is-enabled --quiet "$root_unit" && ok "$root_unit is enabled" || bad "$root_unit is not enabled: systemctl status $root_unit"
units=$root_unit
for unit in /lib/systemd/system/ggl.core.*.service; do
    [ "$NUCLEUS" = classic ] || [ ! -e "$unit" ] || units="$units $(basename "$unit")"
done
# A service that dies is started again after a second: one runs if it has the same process as three seconds ago.
: > "$scratch/now"
for _ in 1 2 3 4 5 6; do
    mv "$scratch/now" "$scratch/before"
    for unit in $units; do
        echo "$unit" $(systemctl show -p ActiveState -p MainPID --value "$unit")
    done > "$scratch/now"
    grep -Fxf "$scratch/before" "$scratch/now" | grep -w active > "$scratch/steady" || true
    [ "$(wc -l < "$scratch/now")" != "$(wc -l < "$scratch/steady")" ] || break
    sleep 3
done
for unit in $units; do
    if grep -qF "$unit " "$scratch/steady"; then
        ok "$unit runs"
    else
        bad "$unit does not run: journalctl -u $unit"
    fi
done
id -nG "$user" | tr ' ' '\n' | grep -qx video && ok "$user may open cameras" || bad "$user is not in the group video"
if ! as "$user" cat "$ROOT/root-ca.pem" > /dev/null 2>&1; then
    bad "$user cannot read $ROOT/root-ca.pem: is a folder above it closed?"
elif as "$user" cat "$ROOT/device.key" > /dev/null 2>&1; then
    bad "$user can read the device's key $ROOT/device.key: is $user another user's name, or root's?"
else
    ok "$user cannot read the device's key"
fi
if [ "$NUCLEUS" = lite ]; then
    for file in $(find "$drop_ins" -type f ! -name zz-smartcam.yaml -exec grep -l posixUser {} +); do
        bad "$file names a posixUser too, and may win: take it out"
    done
    for unit in /etc/systemd/system/ggl.*.service; do
        [ -e "$unit" ] && [ "$(systemctl show -p User --value "$(basename "$unit")")" = "$owner" ] || continue
        case $(readlink -f "$unit") in "$ROOT"/*) ;; *) continue ;; esac
        bad "$(basename "$unit" .service) runs as $owner, as it was installed before: deploy a new version of it"
    done
fi
end "the nucleus is installed, but not ready"
echo "$THING is ready: it connects to $ENDPOINT and takes what its thing group is deployed."
