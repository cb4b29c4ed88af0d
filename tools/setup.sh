#!/bin/sh
# Makes an environment from locked requirements: usage: setup.sh FOLDER REQUIREMENTS [PYTHON]
# The second time takes a moment: a stamp keeps the hash of what was installed.
set -eu
folder=$1 requirements=$2 python=${3:-python3}

fail() {
    echo "setup: $*" >&2
    exit 1
}

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    fail "$python: Python 3.11, 3.12 or 3.13 is needed; name one with PYTHON=..."
packages=$(cat "$requirements" "$0" | sha256sum | cut -c 1-64)
project=$(cat pyproject.toml front/pyproject.toml | sha256sum | cut -c 1-64)

install_project() {
    set -- -e .
    case $requirements in */dev.txt) set -- "$@" -e ./front ;; esac # the `smartcam` command
    "$folder/bin/python" -m pip install --disable-pip-version-check --no-deps --no-build-isolation --quiet "$@" \
        >> "$folder.log" 2>&1 || fail "the project itself could not be installed; see $folder.log"
    echo "$project" > "$folder/project-stamp"
}

if [ -x "$folder/bin/python" ] && [ "$(cat "$folder/stamp" 2> /dev/null)" = "$packages" ]; then
    [ "$(cat "$folder/project-stamp" 2> /dev/null)" = "$project" ] || install_project
    exit 0
fi
echo "setup: $folder: installing $requirements (a minute or two, once)"
if ! "$python" -m venv --clear "$folder" > "$folder.log" 2>&1; then
    # Debian ships the module venv without what it installs first.
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        { apt-get update && apt-get install --yes python3-venv; } >> "$folder.log" 2>&1 ||
            fail "python3-venv is missing and apt-get could not install it; see $folder.log"
        "$python" -m venv --clear "$folder" >> "$folder.log" 2>&1 || fail "no environment; see $folder.log"
    else
        fail "the module venv does not work (see $folder.log); sudo apt-get install python3-venv"
    fi
fi
if ! "$folder/bin/python" -m pip install --disable-pip-version-check --require-hashes --only-binary :all: \
    -r "$requirements" >> "$folder.log" 2>&1; then
    grep ERROR "$folder.log" | tail -2 >&2
    fail "$requirements could not be installed; is there a network? The whole story is in $folder.log"
fi
install_project
echo "$packages" > "$folder/stamp"
