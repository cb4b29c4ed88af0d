#!/bin/sh
# What is wrong with this device: the doctor of this release, on the Runtime's packages, about what the device uses.
# Runtime's install.sh puts it into WORK/smartcam.Runtime/doctor, with its code and a file that names the packages.
# usage: as the components' user: sh WORK/smartcam.Runtime/doctor/smartcam-doctor [--help]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
packages=$(cat "$here/packages")
if [ ! -f "$packages/ready" ]; then
    echo "smartcam-doctor: the packages are not installed ($packages); see the log of smartcam.Runtime" >&2
    exit 2
fi
# -P: nothing is imported from the folder that somebody happens to stand in.
PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 exec "$packages/bin/python" -P -m smartcam.doctor.main \
    --device "${here%/*/*}" "$@"
