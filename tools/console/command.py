"""`smartcam console`: look at a device on this machine, or at what was copied here of one, in a browser.

FOLDER is a nucleus's folder or the `work` folder in it. Beside a running `make demo` the page has all that a device's
own has. Otherwise it has what is on the disk: events, their pictures and clips. For the live page of a real device,
deploy smartcam.Console there. At the first use, without any folder, there is the wizard: it finds cameras, shows what
they see, asks who is to be told, and deploys.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from smartcam.console.main import CAPTURE, COMPONENT, INFERENCE, build
from smartcam.console.serving import listen
from smartcam.console.settings import DEFAULT_ADDRESS, DEFAULT_PORT, HIGHEST_PORT, LOWEST_PORT
from smartcam.edge.arguments import whole
from smartcam.edge.bus.greengrass import SOCKET_VARIABLE, GreengrassBus
from smartcam.edge.bus.port import DeviceBus
from smartcam.edge.command_line import ring_folder
from smartcam.edge.lifecycle import run_component
from smartcam.edge.logs import configure_logging
from tools.build.command import make_page
from tools.cameras.find import look_around
from tools.command_line import ROOT, complain, new_parser, say
from tools.console.beside import VARIABLES, BesideBus
from tools.console.wizard import Wizard
from tools.setup import PC_CONSOLE

_VERB: Final = "console"
_DEMO: Final = ROOT / "build" / "demo" / "device"
_SETUP: Final = ROOT / "build" / "setup"


def main(argv: Sequence[str]) -> int:
    """Run until Ctrl-C. 0 after it, 1 for a fault, 2 for a folder without a device or a port that is taken."""
    parser = new_parser(_VERB, __doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, metavar="FOLDER", help="default: the demo's, where there is one"
    )
    ports = whole(LOWEST_PORT, HIGHEST_PORT)
    parser.add_argument(
        "--port", type=ports, default=DEFAULT_PORT, metavar="N", help=f"on {DEFAULT_ADDRESS}: %(default)s"
    )
    options = parser.parse_args(argv)
    folder: Path = options.folder or _DEMO
    try:
        is_first_use = options.folder is None and not _DEMO.exists()
        work = None if is_first_use else work_folder(folder)
        listen(DEFAULT_ADDRESS, options.port).close()
    except FileNotFoundError as error:
        half_made = (
            "`make demo` has not got far enough there: let it run, or remove the folder and begin with the wizard"
        )
        return complain(_VERB, error if options.folder else f"{folder}: {half_made}", 2)
    except OSError as error:
        words = f"{error.filename}: {error.strerror}; choose another one" if error.filename else f"{error}"
        return complain(_VERB, words, 2)
    configure_logging("WARNING")
    make_page(ROOT, PC_CONSOLE)
    word = secrets.token_urlsafe(16)
    wizard = Wizard(look_around, _SETUP, word)
    with _device_of(folder) as device, TemporaryDirectory(prefix="smartcam-console-") as own, closing(wizard):
        # Without its device, a camera of this name would be somebody else's.
        rings = ring_folder() if device else Path(own)
        bus = BesideBus(device, {"port": options.port})
        say(_about(work, is_running=device is not None))
        address = f"http://{DEFAULT_ADDRESS}:{options.port}/"
        say(f"the console: {address}    (Ctrl-C ends it)")
        say(f"cameras, people and the first deployment, for you alone: {address}#/setup/{word}")
        return run_component(COMPONENT, lambda: build(bus, rings, Path(own), work or Path(own), wizard.routes()))


def _about(work: Path | None, *, is_running: bool) -> str:
    if work is None:
        return "there is no device here yet"
    what = "the device that runs there" if is_running else "what is on the disk: no device runs there that can be asked"
    return f"{work}: {what}"


def work_folder(folder: Path) -> Path:
    """The folder that has those of the components. Raises FileNotFoundError, or another OSError."""
    for each in (folder / "work", folder):
        if any((each / name).is_dir() for name in (INFERENCE, CAPTURE)):
            return each.resolve()
    remedy = "run `make demo`, or name a folder that was copied from a device"
    raise FileNotFoundError(f"{folder}: holds no work folder of {INFERENCE} or {CAPTURE}; {remedy}")


def variables(folder: Path) -> Mapping[str, str] | None:
    """What a nucleus that runs there gives to a console; None where none does."""
    try:
        document = json.loads((folder / VARIABLES).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or not Path(str(document.get(SOCKET_VARIABLE))).is_socket():
        return None  # a nucleus that was killed has left it
    return {str(name): str(value) for name, value in document.items()}


@contextmanager
def _device_of(folder: Path) -> Iterator[DeviceBus | None]:
    found = variables(folder)
    if found is None:
        yield None
        return
    bus = GreengrassBus(found)
    try:
        yield bus
    finally:
        bus.close()
