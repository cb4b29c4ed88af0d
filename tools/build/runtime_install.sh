#!/bin/sh
# Builds the virtual environment that the Smartcam components share: WORK_FOLDER/packages-<id>, with a file `ready`.
# usage: install.sh WORK_FOLDER PACKAGES_ZIP [PYTHON]
# PYTHON: an interpreter that already has the packages; it is linked instead.
# An environment that is in use is never touched: another set of packages gets another folder.
# Beside it WORK_FOLDER/doctor/smartcam-doctor, which runs on it: a command for people.
set -eu
work=$1 archive=$2 given=${3:-}
imports='
import av, awsiot, cryptography, cv2, numpy
try:
    import ai_edge_litert.interpreter
except ImportError:
    import tflite_runtime.interpreter
'
umask 022

fail() {
    echo "smartcam.Runtime: $*" >&2
    exit 1
}

place_doctor() {
    python3 "$archive" doctor "$unpacked"
    printf '%s\n' "$packages" > "$unpacked/doctor/packages"
    chmod 755 "$unpacked/doctor/smartcam-doctor"
    rm -rf "$work/doctor"
    mv "$unpacked/doctor" "$work/doctor"
}

command -v python3 > /dev/null || fail "there is no python3; sudo apt-get install python3"
unpacked="$work/unpacked"
rm -rf "$unpacked"
trap 'rm -rf "$unpacked"' EXIT
mkdir -p "$unpacked/wheels"
python3 "$archive" requirements "$unpacked"
locks="$unpacked/requirements"
packages="$work/packages-$(cat "$locks/id")"
# A release with a model.onnx carries its runtime.
if grep -qs '^onnxruntime==' "$locks"/device-*.txt; then
    imports="$imports
import onnxruntime
"
fi

if [ -n "$given" ]; then
    "$given" -c "$imports" || fail "python = $given: it lacks the packages; leave the key empty to have them installed"
    # It may be in use: nucleus lite installs a component again when a deployment configures it.
    [ -f "$packages/interpreter" ] || rm -rf "$packages"
    mkdir -p "$packages/bin"
    printf '%s\n' "$given" > "$packages/interpreter.new"
    printf '%s\n' '#!/bin/sh' 'exec "$(cat "${0%/*}/../interpreter")" "$@"' > "$packages/bin/python.new"
    chmod 755 "$packages/bin/python.new"
    mv "$packages/interpreter.new" "$packages/interpreter"
    mv "$packages/bin/python.new" "$packages/bin/python"
    : > "$packages/ready"
    place_doctor
    exit 0
fi

python=$(python3 -c 'import sys; print("py%d%d" % sys.version_info[:2])')
requirements="$locks/device-$python.txt"
[ -f "$requirements" ] || fail "there are no packages for $python; Python 3.11 or 3.13 is needed"
if [ -f "$packages/ready" ] && [ ! -f "$packages/interpreter" ] && "$packages/bin/python" -c "$imports" 2> /dev/null; then
    echo "smartcam.Runtime: the packages are already installed"
    place_doctor
    exit 0
fi
rm -rf "$packages"
python3 "$archive" wheels "$unpacked"
carried="$unpacked/wheels/$python.txt"
# System packages stay visible because picamera2 comes from apt only.
if [ -f "$carried" ]; then
    # pip runs from its own wheel: the device needs neither python3-venv nor a network.
    python3 -m venv --system-site-packages --without-pip "$packages"
    pip=$(ls "$unpacked"/wheels/pip-*.whl)
    set -- "$pip/pip" install --no-index --find-links "$unpacked/wheels" -r "$carried"
else
    echo "smartcam.Runtime: this build carries no packages for $python here; fetching them from the network"
    python3 -m venv --system-site-packages "$packages" || fail "sudo apt-get install python3-venv"
    set -- -m pip install -r "$requirements"
fi
# Not into /tmp, which may be memory.
TMPDIR="$unpacked" PYTHONPATH='' "$packages/bin/python" "$@" --quiet --no-cache-dir --disable-pip-version-check --no-deps \
    --ignore-installed --only-binary :all: --require-hashes
"$packages/bin/python" -c "$imports" || fail "what was installed cannot be imported"
: > "$packages/ready"
place_doctor

# The set before stays for a component that still runs on it, and so does one that a component was proven with and may
# go back to (run.sh); older ones go, and what an installation that failed has left.
before=no
ls -dt "$work"/packages-* | while read -r old; do
    [ "$old" != "$packages" ] || continue
    if [ -f "$old/ready" ]; then
        [ "$before" = yes ] || { before=yes; continue; }
        ! grep -qs "/${old##*/}\$" "$work"/../smartcam.*/proven || continue
    fi
    rm -rf "$old"
done
