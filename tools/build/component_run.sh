#!/bin/sh
# Runs a version of a Smartcam component with the Runtime's packages, once it has passed its self-test on this device.
# In the component's work folder, where the file `proven` names the version that has passed last, and its code is kept;
# `refused` names the one that has failed last, and why.
# usage: run.sh [--install] VERSION PACKAGES_FOLDER CODE_ZIP MODULE [ARGUMENT ...]
# --install: only try it, and fail for no reason of ours: nucleus lite has taken the running version's unit away by then,
# so after a failed installation nothing would be started again. Without it: run the version if it has passed, else the
# proven one, which says in its health which version was refused.
set -eu
installing=no
if [ "$1" = --install ]; then
    installing=yes
    shift
fi
version=$1 packages=$2 code=$3 module=$4
shift 4
trial_ended="smartcam: the trial ended with "
umask 022

# What is multiplied here is small. Where another process has the core, OpenBLAS's second thread spins for it.
export OPENBLAS_NUM_THREADS=1

# Pictures go up with credentials of the token exchange service, and never with others that awscrt would find first.
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_ACCESS_KEY_ID AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_RELATIVE_URI

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

# Line $2 of the note $1.
note() {
    sed -n "$2p" "$1" 2> /dev/null || :
}

digest() {
    sha256sum < "$code" | cut -c 1-16
}

keep() {
    before=$(note proven 3)
    kept="$PWD/proven-$(digest).zip"
    # A power cut must leave the old file or the new one.
    cp "$code" "$kept.new" &&
        printf '%s\n' "$version" "$packages" "$kept" > proven.new &&
        sync "$kept.new" proven.new &&
        mv "$kept.new" "$kept" &&
        mv proven.new proven || return 1
    rm -f refused
    # A power cut may have left a `.new`.
    for old in "$PWD"/proven-*.zip "$PWD"/proven-*.new; do
        [ "$old" = "$kept" ] || [ "$old" = "$before" ] || rm -f "$old"
    done
}

refuse() {
    reason=$1
    printf '%s\n' "$version" "$packages" "$(digest)" "$reason" > refused.new && mv refused.new refused ||
        say "that version $version was refused cannot be kept: is the disk full?"
}

# Whether the version passes its self-test; what became of it is kept, and said in `reason` if it fails. With the ten
# minutes that an installation waits, the trial takes less than the Timeout in the recipe.
passes() {
    # In the foreground: who stops this script by its process group stops the trial too. Read to the mark, not to the end:
    # what the trial has left running keeps its output open.
    said=$({
        PYTHONPATH="$code" PYTHONDONTWRITEBYTECODE=1 timeout --foreground -k 5 "${SMARTCAM_TRIAL_S:-240}" \
            "$packages/bin/python" -m "$module" --self-test "$version" "$@" 2>&1 && ended=0 || ended=$?
        printf '\n%s%s\n' "$trial_ended" "$ended"
    } < /dev/null | sed "/^$trial_ended/q" | tail -c 20000)
    ended=${said##*"$trial_ended"}
    said=$(printf '%s' "${said%"$trial_ended"*}")
    [ -z "$said" ] || printf '%s\n' "$said"
    case $ended in
        0)
            keep && return 0
            rm -f proven-*.new proven.new || :
            say "version $version cannot be kept: is the disk full?"
            return 0
            ;;
        124 | 137) refuse "its self-test did not end" ;;
        *)
            last=$(printf '%s\n' "$said" | sed -n '$s/.*self-test failed: //; $p' | cut -c 1-400)
            refuse "${last:-its self-test ended with $ended}"
            ;;
    esac
    return 1
}

if [ "$installing" = yes ]; then
    # The nucleus counts the starts of what it installs anew, and so does edge/fresh_token.py.
    rm -f starts
    # Not for ever: a nucleus that installs one component after the other would wait for this one first.
    if ! wait_for_packages "${SMARTCAM_PATIENCE_S:-600}"; then
        say "the Runtime's packages are not there yet; version $version is tried when it is started"
    elif ! passes "$@"; then
        say "version $version has not passed its self-test here: $reason"
    fi
    exit 0
fi

reason=
if [ "$(note proven 2)" = "$packages" ] && cmp -s "$code" "$(note proven 3)"; then
    :
elif [ ! -f "$(note proven 2)/ready" ] || [ ! -f "$(note proven 3)" ]; then
    if ! wait_for_packages "${SMARTCAM_PATIENCE_S:-1800}"; then
        say "$packages is not ready after 30 minutes; see the log of smartcam.Runtime"
        exit 1
    fi
    passes "$@" || say "version $version has not passed its self-test here, and there is none to go back to: $reason"
else
    if [ ! -f "$packages/ready" ]; then
        reason="the packages of smartcam.Runtime are not there"
    elif [ "$(note refused 2)" = "$packages" ] && [ "$(note refused 3)" = "$(digest)" ]; then
        # The same code on the same packages fails again, and the trial would cost a minute of watching.
        reason=$(note refused 4)
        reason=${reason:-its self-test has failed}
    else
        passes "$@" || :
    fi
    if [ -n "$reason" ]; then
        say "version $version is refused here: $reason; going on with version $(note proven 1)"
        packages=$(note proven 2) code=$(note proven 3)
    fi
fi
if [ -n "$reason" ]; then
    export SMARTCAM_REFUSED_VERSION="$version" SMARTCAM_REFUSED_REASON="$reason"
fi
PYTHONPATH="$code" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 exec "$packages/bin/python" -m "$module" "$@"
