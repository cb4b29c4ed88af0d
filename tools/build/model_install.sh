#!/bin/sh
# Unpacks the model bundles of a release and points WORK_FOLDER/current to them, all at once: the default one fills the
# folder, each other has a folder in it with its name. Inference checks a bundle when it opens it, and keeps the last good
# one where it refuses: a bad bundle does not fail the installation, which on nucleus lite would leave every component of
# the deployment without somebody who starts it again.
# usage: install.sh WORK_FOLDER BUNDLE_ZIP VERSION
set -eu
work=$1 archive=$2 version=$3
bundle="$work/bundle-$version"
umask 022
rm -rf "$work/new"
# Before anything is written: a zip of some kilobytes can fill the disk. Python unpacks no more of a file than the zip
# says that it has. The limits are those of what inference opens.
if ! python3 - "$archive" "$work/new" << 'END'
import sys
import zipfile

try:
    with zipfile.ZipFile(sys.argv[1]) as archive:
        sizes = [member.file_size for member in archive.infolist()]
        if not 1 <= len(sizes) <= 256 or sum(sizes) > 256 << 20:
            found = f"{len(sizes)} files of {sum(sizes)} bytes together"
            sys.exit(f"smartcam.Model: {found}; at least one and at most 256 of 268435456 are unpacked")
        archive.extractall(sys.argv[2])
except Exception as error:  # whatever a damaged archive makes of it
    sys.exit(f"smartcam.Model: {type(error).__name__}: {error}")
END
then
    echo "smartcam.Model: the bundle of version $version cannot be unpacked (the reason stands above) and is not installed" >&2
    rm -rf "$work/new"
    exit 0
fi
# Nucleus lite installs a component again when a deployment configures it.
if diff -qr "$work/new" "$bundle" > /dev/null 2>&1; then
    rm -rf "$work/new"
else
    rm -rf "$bundle.old"
    [ ! -e "$bundle" ] || mv "$bundle" "$bundle.old"
    mv "$work/new" "$bundle"
    rm -rf "$bundle.old"
fi
ln -sfn "bundle-$version" "$work/current.new"
mv -T "$work/current.new" "$work/current"
# The bundle before stays for an Inference that still reads it; older ones go. Inference keeps a good one by itself.
ls -dt "$work"/bundle-* | tail -n +3 | while read -r old; do
    [ "$old" = "$bundle" ] || rm -rf "$old"
done
