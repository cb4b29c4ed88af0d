#!/bin/sh
# Runs a Smartcam component with the Runtime's packages, as soon as those are there.
# usage: run.sh PACKAGES_FOLDER CODE_ZIP MODULE [ARGUMENT ...]
set -eu
packages=$1 code=$2 module=$3
shift 3
waited=0
until [ -f "$packages/ready" ]; do
    if [ "$waited" -ge 1800 ]; then
        echo "smartcam: $packages is not ready after 30 minutes; see the log of smartcam.Runtime" >&2
        exit 1
    fi
    [ $((waited % 60)) -ne 0 ] || echo "smartcam: waiting for the Runtime component"
    sleep 1
    waited=$((waited + 1))
done
PYTHONPATH="$code" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 exec "$packages/bin/python" -m "$module" "$@"
