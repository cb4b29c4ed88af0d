#!/bin/sh
# Builds the virtual environment that the Smartcam components share.
# usage: install.sh WORK_FOLDER VERSION [PYTHON]
# PYTHON: an interpreter that has the packages already; then it is linked instead.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1 version=$2 given=${3:-}
stamp="$work/ready-$version"

# "Ready" must never be said of a half-made environment.
rm -f "$work"/ready-*
if [ -n "$given" ]; then
    "$given" -c 'import awsiot, cv2, numpy' || {
        echo "smartcam.Runtime: python = $given: it lacks the packages; leave the key empty to have them installed" >&2
        exit 1
    }
    mkdir -p "$work/bin.new"
    printf '%s\n' "$given" > "$work/bin.new/interpreter"
    printf '%s\n' '#!/bin/sh' 'exec "$(cat "${0%/*}/interpreter")" "$@"' > "$work/bin.new/python"
    chmod 755 "$work/bin.new/python"
    rm -rf "$work/bin"
    mv "$work/bin.new" "$work/bin"
else
    python=$(python3 -c 'import sys; print("py%d%d" % sys.version_info[:2])')
    requirements="$here/requirements/device-$python.txt"
    [ -f "$requirements" ] || {
        echo "smartcam.Runtime: no packages for $python; install Python 3.11 or 3.13" >&2
        exit 1
    }
    rm -rf "$work/venv" "$work/bin"
    # System packages stay visible because picamera2 comes from apt only.
    python3 -m venv --system-site-packages "$work/venv"
    if [ -d "$here/wheels" ]; then
        set -- --no-index --find-links "$here/wheels"
    else
        set --
    fi
    "$work/venv/bin/python" -m pip install --quiet --no-deps --only-binary :all: --require-hashes "$@" -r "$requirements"
    ln -s venv/bin "$work/bin"
fi
: > "$stamp"
