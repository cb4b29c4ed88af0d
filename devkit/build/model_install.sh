#!/bin/sh
# Unpacks a model bundle and points WORK_FOLDER/current to it, all at once.
# usage: install.sh WORK_FOLDER BUNDLE_ZIP VERSION
set -eu
work=$1 archive=$2 version=$3
umask 022
rm -rf "$work/new"
python3 -m zipfile -e "$archive" "$work/new"
rm -rf "$work/bundle-$version.old"
[ ! -e "$work/bundle-$version" ] || mv "$work/bundle-$version" "$work/bundle-$version.old"
mv "$work/new" "$work/bundle-$version"
ln -sfn "bundle-$version" "$work/current.new"
mv -T "$work/current.new" "$work/current"
rm -rf "$work/bundle-$version.old"
# The bundle before stays for an Inference that still reads it; older ones go.
ls -dt "$work"/bundle-* | tail -n +3 | while read -r old; do
    [ "$old" = "$work/bundle-$version" ] || rm -rf "$old"
done
