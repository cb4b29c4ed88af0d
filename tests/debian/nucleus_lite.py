"""A small package with the manners of nucleus lite's own (2.6.0): what its scripts do and forget, and its units.

The daemons do nothing, except that the configuration's reads the files as the real one does, and that the one of the
cloud needs the device's key. No line is AWS's.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

PACKAGE: Final = "aws-greengrass-lite"
ELF_MACHINES: Final = {"amd64": b"\x3e\x00", "arm64": b"\xb7\x00"}
DAEMONS: Final = {"ggconfigd": "ggcore", "iotcored": "ggcore", "ggipcd": "ggcore", "ggdeploymentd": "root"}
_ELF_MACHINE_AT: Final = 18

# The real script asks whether a user exists with a redirection of bash, which dash takes for a yes to "create it".
POSTINST: Final = """#!/bin/sh
set -e
mkdir -p /etc/greengrass/config.d
cat > /etc/greengrass/config.d/greengrass-lite.yaml << END
services:
  aws.greengrass.NucleusLite:
    configuration:
      runWithDefault:
        posixUser: "ggcore:ggcore"
END
for name in ggcore gg_component; do
    getent group $name > /dev/null || groupadd $name
    useradd -m -g $name $name
done
mkdir -p /var/lib/greengrass
chown ggcore:ggcore /var/lib/greengrass
systemctl enable greengrass-lite.target UNITS
systemctl reset-failed
systemctl daemon-reload
"""
POSTRM: Final = """#!/bin/sh
set -e
case $1 in
    purge) rm -rf /var/lib/greengrass /etc/greengrass ;;
    remove)
        for name in ggcore gg_component; do
            userdel $name
            ! getent group $name > /dev/null || groupdel $name
        done
        ;;
esac
"""
# The files of the folder come in the order of the file system: what either order would make of them is written down.
GGCONFIGD: Final = """#!/usr/bin/python3
import os, re, signal
place = "/etc/greengrass/config.d"
def user(names):
    last = "none"
    for path in ["/etc/greengrass/config.yaml", *(f"{place}/{name}" for name in names)]:
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        for found in re.findall(r'posixUser"?: "([^"]+)"', open(path).read()):
            last = found
    return last
names = sorted(os.listdir(place))
with open("/var/lib/greengrass/posix-users", "w") as kept:
    kept.write(f"{user(names)} {user(names[::-1])}")
signal.pause()
"""
IOTCORED: Final = """#!/bin/sh
cat /var/lib/greengrass/device.key > /dev/null || exit 1
exec sleep infinity
"""
DAEMON: Final = "#!/bin/sh\nexec sleep infinity\n"
SERVICE: Final = """[Unit]
PartOf=greengrass-lite.target
StartLimitIntervalSec=20
StartLimitBurst=10
[Service]
Type=exec
ExecStart=/usr/bin/{name}
Restart=always
RestartSec=1
User={user}
[Install]
WantedBy=greengrass-lite.target
"""
SOCKET: Final = """[Socket]
ListenStream=/run/greengrass/gg_config
Service=ggl.core.ggconfigd.service
[Install]
WantedBy=sockets.target
"""
TARGET: Final = "[Unit]\nDescription=the nucleus\n[Install]\nWantedBy=multi-user.target\n"


def build_package(folder: Path, version: str = "2.6.0", machine: str = "amd64", name: str = PACKAGE) -> Path:
    """The package as a file: its control says "all", as the real one's does, and its program is one machine's."""
    tree = folder / f"{name}-{version}-{machine}"
    units = {"greengrass-lite.target": TARGET, "ggl.gg_config.socket": SOCKET}
    units |= {f"ggl.core.{each}.service": SERVICE.format(name=each, user=user) for each, user in DAEMONS.items()}
    programs = {**dict.fromkeys(DAEMONS, DAEMON), "ggconfigd": GGCONFIGD, "iotcored": IOTCORED}
    _write(tree / "DEBIAN/control", _control(name, version))
    _write(
        tree / "DEBIAN/postinst", POSTINST.replace("UNITS", " ".join(each for each in units if "ggl" in each)), 0o755
    )
    _write(tree / "DEBIAN/postrm", POSTRM, 0o755)
    for each, text in units.items():
        _write(tree / "lib/systemd/system" / each, text)
    for each, text in programs.items():
        _write(tree / "usr/bin" / each, text, 0o755)
    _write(tree / "usr/bin/ggl-cli", "", 0o755)
    code = bytearray(Path("/bin/true").read_bytes())
    code[_ELF_MACHINE_AT : _ELF_MACHINE_AT + 2] = ELF_MACHINES[machine]
    (tree / "usr/bin/ggl-cli").write_bytes(code)
    package = folder / f"{name}-{version}-{machine}.deb"
    build = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(tree), str(package)]
    subprocess.run(build, check=True, capture_output=True)
    shutil.rmtree(tree)
    return package


def _control(name: str, version: str) -> str:
    fields = {"Package": name, "Version": version, "Architecture": "all", "Maintainer": "nobody <nobody@example.org>"}
    return "".join(f"{key}: {value}\n" for key, value in fields.items()) + "Description: manners of a nucleus\n"


def _write(file: Path, text: str, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
