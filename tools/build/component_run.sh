#!/bin/sh
# Runs a version of a Smartcam component with the Runtime's packages, once it has passed its self-test on this device.
# In the component's work folder, where the file `proven` names the version that has passed last, and its code is kept.
# usage: run.sh [--install] VERSION PACKAGES_FOLDER CODE_ZIP MODULE [ARGUMENT ...]
# --install: only try it. A version that fails is not installed, so that the deployment fails and the nucleus keeps, or
# goes back to, the one before. Nucleus lite goes back to nothing after a restart: there the kept one is run.
set -eu
installing=no
if [ "$1" = --install ]; then
    installing=yes
    shift
fi
version=$1 packages=$2 code=$3 module=$4
shift 4
umask 022

say() {
    echo "smartcam: $*" >&2
}

wait_for_packages() {
    waited=0
    until [ -f "$packages/ready" ]; do
        [ "$waited" -lt "$1" ] || return 1
        [ $((waited % 60)) -ne 0 ] || echo "smartcam: waiting for the Runtime component"
        sleep 1
        waited=$((waited + 1))
    done
}

component() {
    PYTHONPATH="$code" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 "$packages/bin/python" -m "$module" "$@"
}

proven() {
    sed -n "$1p" proven 2> /dev/null || :
}

keep() {
    before=$(proven 3)
    kept="$PWD/proven-$(sha256sum < "$code" | cut -c 1-16).zip"
    # A power cut must leave the old file or the new one.
    cp "$code" "$kept.new" &&
        printf '%s\n' "$version" "$packages" "$kept" > proven.new &&
        sync "$kept.new" proven.new &&
        mv "$kept.new" "$kept" &&
        mv proven.new proven || return 1
    for old in "$PWD"/proven-*.zip; do
        [ "$old" = "$kept" ] || [ "$old" = "$before" ] || rm -f "$old"
    done
}

passes() {
    component --self-test "$version" "$@" || return 1
    keep && return 0
    rm -f proven-*.new proven.new
    say "version $version cannot be kept: is the disk full?"
}

if [ "$installing" = yes ]; then
    # Not for ever: a nucleus that installs one component after the other would wait for this one first.
    if ! wait_for_packages "${SMARTCAM_PATIENCE_S:-600}"; then
        say "the Runtime's packages are not there yet; version $version is tried when it is started"
    elif ! passes "$@"; then
        say "version $version has not passed its self-test here and is not installed"
        exit 1
    fi
    exit 0
fi

if [ "$(proven 2)" != "$packages" ] || ! cmp -s "$code" "$(proven 3)"; then
    if [ ! -f "$(proven 2)/ready" ] || [ ! -f "$(proven 3)" ]; then
        if ! wait_for_packages "${SMARTCAM_PATIENCE_S:-1800}"; then
            say "$packages is not ready after 30 minutes; see the log of smartcam.Runtime"
            exit 1
        fi
        passes "$@" || say "version $version has not passed its self-test here, and there is none to go back to"
    elif [ ! -f "$packages/ready" ] || ! passes "$@"; then
        say "version $version has not passed its self-test here; going on with version $(proven 1)"
        packages=$(proven 2) code=$(proven 3)
    fi
fi
PYTHONPATH="$code" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 exec "$packages/bin/python" -m "$module" "$@"
