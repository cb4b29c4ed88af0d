"""Kotlin's and Swift's compilers out of Debian's packages, in .tools: nothing is installed."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from measure.emulation.debian import DebianRelease, unpack
from standins.debian import first_known, unpack_once
from standins.programs import output_of
from tools.command_line import ROOT, Say
from tools.setup import alone

HERE: Final = Path(__file__).resolve().parent
READERS: Final = ROOT / "targets" / "phone"
_LIMIT_S: Final = 540.0
_KOTLIN: Final = (
    ("kotlin",),
    ("openjdk-17-jre-headless", "openjdk-21-jre-headless"),
    ("libjetbrains-annotations-java",),
    ("libtrove-intellij-java",),
    ("libandroid-json-java",),
)
_COMPILER: Final = ("kotlin-compiler", "kotlin-stdlib", "kotlin-reflect", "kotlin-script-runtime")
_ALSO: Final = ("libtrove-intellij", "org.jetbrains.annotations-common")
_READS: Final = ("kotlin-stdlib", "com.android.json")
"""What the reader is compiled with and runs with: Kotlin's library, and what Android has of org.json."""
_SWIFT: Final = ("swiftlang", "libc6-dev", "libstdc++-14-dev")
_SWIFT_RELEASE: Final = "trixie"
"""Debian 12 has no Swift."""
_ENTER: Final = """
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --rbind "$2" "$1/mnt"
root=$1
shift 2
exec chroot "$root" "$@"
"""


def kotlin_reader(folder: Path, say: Say = print) -> Sequence[str]:
    """The command that runs the reader, compiled into a folder. Raises ToolsError."""
    there = ROOT / ".tools" / "kotlin"
    with alone(ROOT):
        wanted = " ".join(names[0] for names in _KOTLIN)
        unpack_once(there, "Kotlin's compiler", wanted, first_known(_KOTLIN), lambda: _relink(there / "root"))
    say("compiling the reader in Kotlin")
    jars = there / "root" / "usr" / "share" / "java"
    java = min((there / "root" / "usr" / "lib" / "jvm").glob("java-*/bin/java"))  # the same by several names
    compiler, reads = (":".join(f"{jars / name}.jar" for name in names) for names in ((*_COMPILER, *_ALSO), _READS))
    sources = [str(READERS / "ModelBundle.kt"), str(HERE / "Check.kt")]
    how = ["-jvm-target", "1.8", "-no-stdlib", "-no-reflect", "-classpath", reads, "-d", str(folder)]
    output_of([str(java), "-cp", compiler, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", *how, *sources], _LIMIT_S)
    return [str(java), "-cp", f"{folder}:{reads}", "CheckKt"]


def swift_reader(folder: Path, say: Say = print) -> Sequence[str]:
    """The same in Swift; bundles below the folder are below /mnt to it. Raises ToolsError."""
    with alone(ROOT):
        root = unpack(DebianRelease(_SWIFT_RELEASE, _architecture()), _SWIFT, ROOT / ".tools" / "swift", say)
        for name in ("proc", "dev", "mnt"):
            (root / name).mkdir(exist_ok=True)
    say("compiling the reader in Swift")
    for source in (READERS / "ModelBundle.swift", HERE / "main.swift", HERE / "Crypto.swift"):
        (folder / source.name).write_bytes(source.read_bytes())
    inside = ["env", "-i", "HOME=/mnt", "TMPDIR=/mnt", f"PATH={os.defpath}:/usr/sbin:/sbin"]
    inside += ["unshare", "--map-root-user", "--mount", "sh", "-euc", _ENTER, "sh", str(root), str(folder)]
    [crypto] = (root / "usr" / "lib").glob("*/libcrypto.so.3")
    made = ["-emit-library", "-emit-module", "-module-name", "Crypto", "/mnt/Crypto.swift", "-o", "/mnt/libCrypto.so"]
    output_of([*inside, "/usr/bin/swiftc", *made, f"/{crypto.relative_to(root)}"], _LIMIT_S)
    made = ["-I", "/mnt", "-L", "/mnt", "-lCrypto", "-Xlinker", "-rpath", "-Xlinker", "/mnt", "-o", "/mnt/check"]
    output_of([*inside, "/usr/bin/swiftc", "/mnt/ModelBundle.swift", "/mnt/main.swift", *made], _LIMIT_S)
    return [*inside, "/mnt/check"]


def why_no_swift() -> str | None:
    """Why a tree of packages cannot be entered here, if so."""
    enter = ["unshare", "--map-root-user", "--mount", "--", "mount", "--rbind", "/proc", "/mnt"]
    try:
        done = subprocess.run(enter, capture_output=True, check=False)
    except OSError as error:
        return f"unshare: {error.strerror}"
    return None if done.returncode == 0 else "nobody may mount anything here, as in some containers"


def _architecture() -> str:
    return output_of(("dpkg", "--print-architecture"), _LIMIT_S).strip()


def _relink(root: Path) -> None:
    """Links to where the packages would be installed lead to where they are unpacked."""
    for path in root.rglob("*"):
        if path.is_symlink() and path.readlink().is_absolute():
            target = root / path.readlink().relative_to("/")
            path.unlink()
            path.symlink_to(target)
