"""A folder with one configuration per thing, over a common one."""

import difflib
import ipaddress
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from smartcam.capture.settings import SourceKind, SourceSettings, read_settings
from tools.release.aws import ReleaseError
from tools.release.configuration import check_merges, read_document
from tools.release.deployment import Merge

COMMON: Final = "common.yaml"
_ENDING: Final = ".yaml"
_LOCAL_ENDINGS: Final = (".local", ".lan", ".internal", ".home.arpa", ".localdomain")

Sites = Mapping[str, Mapping[str, Merge]]
"""The configuration by component, by thing."""


def read_sites(folder: Path, things: Collection[str], components: Collection[str]) -> Sites:
    """Every thing's configuration: its own file over the common one, checked as the components will check it.

    Raises:
        ReleaseError: naming every file that is wrong, every thing without a file, every file without a thing, and
            every camera that is there twice.
    """
    names = _names_in(folder)
    faults = [f"{folder / name}{_ENDING}: there is no thing {name!r} in the groups{_meant(name, things)}"
              for name in sorted(names - set(things))]  # fmt: skip
    faults += [
        f"{folder / thing}{_ENDING} is missing: {thing} is in the groups; an empty file gives it what {COMMON} says"
        for thing in sorted(set(things) - names)
    ]
    sites: dict[str, Mapping[str, Merge]] = {}
    common = read_document(folder / COMMON) if (folder / COMMON).exists() else {}
    for thing in sorted(names & set(things)):
        file = folder / f"{thing}{_ENDING}"
        try:
            sites[thing] = merged(common, read_document(file))
            check_merges(f"{file} over {COMMON}" if common else str(file), sites[thing], components)
        except ReleaseError as error:
            faults.append(str(error))
    if not faults:
        faults = list(_duplicates(sites))
    if faults:
        raise ReleaseError("\n  ".join([f"{folder}: nothing was sent", *faults]) if len(faults) > 1 else faults[0])
    return sites


def _meant(name: str, things: Collection[str]) -> str:
    close = difflib.get_close_matches(name, things, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _names_in(folder: Path) -> set[str]:
    try:
        files = [each.name for each in folder.iterdir() if not each.name.startswith(".")]
    except OSError as error:
        raise ReleaseError(f"{folder}: cannot be read ({error.strerror})") from error
    strange = sorted(name for name in files if not name.endswith(_ENDING))
    if strange:
        raise ReleaseError(
            f"{folder / strange[0]}: is neither {COMMON} nor <thing>{_ENDING}; remedy: move it elsewhere"
        )
    return {name.removesuffix(_ENDING) for name in files if name != COMMON}


def merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged key by key. Anything else of a thing's own replaces the common one; null removes it."""
    both = {**common}
    for key, value in own.items():
        below = both.get(key)
        if value is None:
            both.pop(key, None)
        elif isinstance(value, dict):
            both[key] = merged(below if isinstance(below, dict) else {}, value)
        else:
            both[key] = value
    return both


def _duplicates(sites: Sites) -> Iterator[str]:
    """Cameras that are configured twice: by one thing, or, where its address is the same everywhere, by two."""
    everywhere: dict[str, str] = {}
    for thing, merges in sites.items():
        here: dict[str, str] = {}
        for camera in read_settings(merges.get("smartcam.Capture", {})).cameras:
            place, name = _place(camera), f"{thing}/{camera.camera}"
            known = here.get(place) or (everywhere.get(place) if _is_global(camera) else None)
            if known is not None:
                yield f"{name} and {known} are the same camera: {camera.place}"
            here[place] = name
            everywhere.setdefault(place, name)


def _place(camera: SourceSettings) -> str:
    """What is read."""
    if camera.source is SourceKind.RTSP:
        parts = urlsplit(camera.url)
        return f"{(parts.hostname or '').lower()}:{parts.port or 554}{parts.path}?{parts.query}"
    return f"{camera.source}:{camera.place}"


def _is_global(camera: SourceSettings) -> bool:
    """Whether the address means the same camera at every site: every shop may have a 192.168.1.20, or a `nvr.local`."""
    host = urlsplit(camera.url).hostname or ""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return "." in host and not host.lower().endswith(_LOCAL_ENDINGS)
