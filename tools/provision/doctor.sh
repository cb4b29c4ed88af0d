# install.sh makes /usr/local/bin/smartcam-doctor of this: two lines that set `root` and `user`, and what follows.
# What it calls belongs to the components' user and is run as that user: it shows what the components themselves can do,
# and nobody who got hold of a component gets root's rights here. With --nucleus-config it is run as the user to whom the
# nucleus's folder belongs, because only that user may read the device's key (root, with the classic nucleus).
set -eu
doctor=$root/work/smartcam.Runtime/doctor/smartcam-doctor
if [ "$(id -u)" = 0 ]; then
    as_user="runuser -u $user --"
    for argument; do
        case $argument in --nucleus-config | --nucleus-config=*) as_user="runuser -u $(stat -L -c %U "$root") --" ;; esac
    done
elif [ "$(id -un)" = "$user" ]; then
    as_user=
else
    echo "smartcam-doctor: run it as root: sudo smartcam-doctor" >&2
    exit 2
fi
if [ ! -f "$doctor" ]; then
    echo "smartcam-doctor: smartcam.Runtime is not installed yet ($doctor); deploy the suite" >&2
    exit 2
fi
exec $as_user sh "$doctor" "$@"
