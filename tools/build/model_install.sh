#!/bin/sh
# Unpacks a model bundle and points WORK_FOLDER/current to it, all at once. A bundle whose files are not what its
# manifest says is not installed, so that the deployment fails. What only the model can tell (golden picture), and the
# signature, are checked by Inference when it opens the bundle: until then, and where it refuses, it keeps the last good one.
# usage: install.sh WORK_FOLDER BUNDLE_ZIP VERSION
set -eu
work=$1 archive=$2 version=$3
hashes='
import hashlib, json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
files = json.loads((folder / "manifest.json").read_bytes())["files"]
for name, digest in files.items():
    found = folder / pathlib.PurePath(name).name
    if hashlib.sha256(found.read_bytes()).hexdigest() != digest:
        sys.exit(f"{name} is not what the manifest says")
'
umask 022
rm -rf "$work/new"
python3 -m zipfile -e "$archive" "$work/new"
if ! python3 -c "$hashes" "$work/new"; then
    echo "smartcam.Model: the bundle of version $version is damaged and is not installed" >&2
    rm -rf "$work/new"
    exit 1
fi
rm -rf "$work/bundle-$version.old"
[ ! -e "$work/bundle-$version" ] || mv "$work/bundle-$version" "$work/bundle-$version.old"
mv "$work/new" "$work/bundle-$version"
ln -sfn "bundle-$version" "$work/current.new"
mv -T "$work/current.new" "$work/current"
rm -rf "$work/bundle-$version.old"
# The bundle before stays for an Inference that still reads it; older ones go. Inference keeps a good one by itself.
ls -dt "$work"/bundle-* | tail -n +3 | while read -r old; do
    [ "$old" = "$work/bundle-$version" ] || rm -rf "$old"
done
