"""The footage on a device, behind ssh: read as the components' user, to whom it belongs, and never as root."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from smartcam.capture.recording.bounded_folder import GROWING
from smartcam.capture.recording.segment_name import SegmentName
from tools.footage.conversation import Conversation
from tools.local.host import HostError, Ssh

WORK_FOLDERS: Final = (
    "/var/lib/greengrass/work/smartcam.Capture",
    "/greengrass/v2/work/smartcam.Capture",
)
"""Nucleus lite's and the classic nucleus's."""
_MOST_FILES: Final = 100_000
_END: Final = "end"
_GONE: Final = "gone"
_NO_FOLDER: Final = "no-folder"
_NOT_ALLOWED: Final = "not-allowed "
_LISTED: Final = re.compile(r"([0-9]{1,12}) (\S{1,200})", re.ASCII)
_OFFERED: Final = re.compile(r"([0-9]{1,12}) ([0-9a-f]{64})", re.ASCII)
# The owner of the work folder, which the nucleus has made: what is in it the component could replace by links.
_AS_OWNER: Final = """
owner_of() { stat -c %U -- "$1" 2> /dev/null || sudo -n stat -c %U -- "$1" 2> /dev/null; }
for work in @work@; do owner=$(owner_of "$work") && break; done
if [ -z "$owner" ]; then echo @no-folder@; exit; fi
if [ "$owner" = "$(id -un)" ]; then as=
elif [ "$(id -u)" = 0 ]; then as="runuser -u $owner --"
else as="sudo -n -u $owner --"; fi
if ! $as true 2> /dev/null; then echo "@not-allowed@ $owner"; exit; fi
exec $as sh -c @serve@ sh "$work/footage"
"""
# A file is opened twice, because the device may delete it at any time: what is open stays readable.
_SERVE: Final = """
if cd "$1" 2> /dev/null; then find . -maxdepth 1 -type f -name "*.mp4*" -printf "%s %f\\n"; fi
echo @end@
while read -r name; do
    {
        size=$(stat -L -c %s /dev/fd/3) && sum=$(sha256sum <&3) && echo "$size ${sum%% *}" && read -r answer &&
        if [ "$answer" = get ]; then cat <&4; fi && read -r answer &&
        if [ "$answer" = remove ]; then rm -f "./$name"; fi
    } 3< "./$name" 4< "./$name" || echo @gone@
done 2> /dev/null
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A segment on the device."""

    name: SegmentName
    size: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What the device says that a file is."""

    size: int
    sha256: str


class DeviceFootage:
    """An open conversation with a device about its footage."""

    def __init__(self, host: Ssh, conversation: Conversation) -> None:
        """Reads which files there are. Raises HostError."""
        self._conversation = conversation
        self._host = host
        self.growing = 0
        """Segments that are not finished yet."""
        self.unknown = 0
        """Files whose names are no segments'."""
        self.files = tuple(sorted(self._listed(), key=lambda each: each.name))

    def _listed(self) -> Iterator[Listed]:
        for _ in range(_MOST_FILES):
            line = self._conversation.line()
            if line == _END:
                return
            if line == _NO_FOLDER:
                raise HostError(
                    f"{self._host.name}: has no work folder of smartcam.Capture, or it may not be looked at; deploy the"
                    " suite first, or name the folder with --work"
                )
            if line.startswith(_NOT_ALLOWED):
                owner = line.removeprefix(_NOT_ALLOWED)[:64]
                raise HostError(
                    f"{self._host.name}: footage belongs to {owner!r}, as whom you may run nothing there; log in as"
                    " a user who may use sudo without a password, or as root"
                )
            found = _LISTED.fullmatch(line)
            name = None if found is None else SegmentName.read(found[2])
            if found is not None and name is not None:
                yield Listed(name, int(found[1]))
            elif found is not None and SegmentName.read(found[2].removesuffix(GROWING)) is not None:
                self.growing += 1
            else:
                self.unknown += 1
        raise HostError(f"{self._host.name}: lists more than {_MOST_FILES} files")

    def ask(self, name: SegmentName) -> Offer | None:
        """What a file is; None if it is gone. Then `answer` twice, and in between read what was asked for.

        Raises:
            HostError: the device does not answer, or with what is no answer.
        """
        self._conversation.say(str(name))
        line = self._conversation.line()
        if line == _GONE:
            return None
        found = _OFFERED.fullmatch(line)
        if found is None:
            raise HostError(f"{self._host.name}: answers {line[:80]!r} when asked for {name}")
        return Offer(int(found[1]), found[2])

    @property
    def conversation(self) -> Conversation:
        """For what comes after `ask`."""
        return self._conversation


@contextmanager
def device_footage(host: Ssh, work_folders: Sequence[str] = WORK_FOLDERS) -> Iterator[DeviceFootage]:
    """Ask a device for its footage. Raises HostError."""
    serve = _SERVE.replace("@end@", _END).replace("@gone@", _GONE)
    script = _AS_OWNER.replace("@serve@", shlex.quote(serve)).replace("@no-folder@", _NO_FOLDER)
    script = script.replace("@not-allowed@ ", _NOT_ALLOWED).replace("@work@", shlex.join(work_folders))
    conversation = Conversation(host, script)
    try:
        yield DeviceFootage(host, conversation)
        conversation.end()
    finally:
        conversation.close()
