#!/bin/sh
# Runs a Smartcam component in the Runtime's environment, as soon as that is there.
# usage: run.sh RUNTIME_FOLDER MODULE [ARGUMENT ...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
runtime=$1 module=$2
shift 2
waited=0
until ls "$runtime"/ready-* > /dev/null 2>&1; do
    if [ "$waited" -ge 1800 ]; then
        echo "smartcam: the Runtime component is not ready after 30 minutes; see its log" >&2
        exit 1
    fi
    [ $((waited % 60)) -ne 0 ] || echo "smartcam: waiting for the Runtime component"
    sleep 1
    waited=$((waited + 1))
done
PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 exec "$runtime/bin/python" -m "$module" "$@"
