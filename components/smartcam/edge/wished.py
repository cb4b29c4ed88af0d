"""What people have set here, beside what is deployed: kept by the component itself, and laid over its document.

Not by the nucleus (docs/adr/0023): what a component writes into its own configuration there can take nothing away, is
written leaf by leaf, and is written over by a deployment without a trace.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from smartcam.contract.errors import ContractError, SettingsError
from smartcam.contract.ids import CameraId, camera_id
from smartcam.contract.reading import printable
from smartcam.contract.wish import SETTABLE, Holding, SettingsOwner, SettingsWish, WishError, wish_errors
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.understood import FILE as UNDERSTOOD
from smartcam.edge.understood import Understood

logger = logging.getLogger(__name__)

S = TypeVar("S")
FILE: Final = "wished"
_BESIDES: Final[Mapping[SettingsOwner, tuple[str, ...]]] = {
    SettingsOwner.CAPTURE: (),
    SettingsOwner.INFERENCE: ("labels", "schedule"),
}
_CAMERAS: Final = "cameras"
_SHOWN: Final = 120
_LONGEST_REASON: Final = 280


@dataclass(frozen=True, slots=True)
class Wished:
    """What was set of one camera, and `base`: by key, a name for the deployed value that it was to replace."""

    settings: Mapping[str, object]
    base: Mapping[str, str]

    @classmethod
    def over(cls, deployed: Mapping[str, object], settings: Mapping[str, object]) -> "Wished":
        """Settings that are to replace what is deployed of these keys now."""
        return cls(settings, {key: _digest_of(deployed.get(key)) for key in settings})

    def overtaken(self, deployed: Mapping[str, object]) -> list[str]:
        """The keys of which a deployment says something else than before, and than this."""
        return [
            key
            for key, value in sorted(self.settings.items())
            if deployed.get(key) != value and _digest_of(deployed.get(key)) != self.base.get(key)
        ]


class WishedSettings(Generic[S]):
    """Reads a component's documents, with what was set here laid over them. For one thread.

    The newest counts: what a later deployment changes of it holds as deployed, and what was set here is set aside and
    said (`Holding.differs`), never silently undone. One camera's keys are kept or set aside together, since rules name
    zones.
    """

    def __init__(
        self, owner: SettingsOwner, read: Callable[[Mapping[str, object]], S], work_folder: Path | None = None
    ) -> None:
        """`work_folder`: where it is all remembered; None for nowhere."""
        self.owner = owner
        self._read = read
        self._memory = None if work_folder is None else MemoryFile(work_folder / FILE)
        self._understood = Understood(read, None if work_folder is None else MemoryFile(work_folder / UNDERSTOOD))
        found = _stored(self._memory)
        self._wished: Mapping[CameraId, Wished] = found or {}
        self._is_damaged = found is None
        self._document: Mapping[str, object] | None = None
        self._laid: Mapping[str, object] = {}
        self._aside: Mapping[CameraId, str] = {}

    def last(self) -> S | None:
        """The settings that held last, of an earlier process; None where there are none that this version reads."""
        self._laid = self._understood.last_document() or {}
        return self._understood.last()

    def take(self, document: Mapping[str, object]) -> S:
        """The settings in a deployed document, with what was set here.

        Raises:
            SettingsError: what is deployed cannot be read; what held before still does.
        """
        if self._is_damaged:
            self._recover(document)
        laid, aside = self._over(document, self._wished)
        settings = self._understood.take(laid)
        for camera in sorted(aside.keys() - self._aside.keys()):
            log(logger, logging.WARNING, "wish_set_aside", camera=camera, reason=aside[camera])
        self._document, self._laid, self._aside = document, laid, aside
        return settings

    def wish(self, wish: SettingsWish, *, is_known: bool) -> tuple[S | None, tuple[WishError, ...]]:
        """The settings to go on with if the wish is granted, else None; and why it is not.

        `is_known`: whether there is such a camera, although no deployment names it. A trial is granted nothing.
        """
        errors = self._refused(wish, is_known=is_known)
        if errors or self._document is None:
            return None, errors
        camera, document = wish.camera_id, self._document
        wished = self._with(wish, document)
        tried = {each: one for each, one in wished.items() if each == camera or each not in self._aside}
        try:
            self._read(_lay_over(document, tried, self.owner)[0])
            if wish.trial:
                return None, ()
            self._store(wished)
        except SettingsError as error:
            return None, wish_errors(error)
        except OSError as error:
            return None, (_error(camera, f"cannot be kept on the disk ({error.strerror}), so that it is not set"),)
        self._wished = wished
        return self.take(document), ()

    def deployed(self) -> frozenset[CameraId] | None:
        """The cameras that the deployed document names; None before there is one."""
        return None if self._document is None else frozenset(_cameras(self._document))

    def holding(self, camera: CameraId) -> Holding:
        """What holds for a camera, by what was read last."""
        table = _cameras(self._laid).get(camera, {})
        settings = {key: table[key] for key in SETTABLE[self.owner] if table.get(key) is not None}
        besides = {key: table[key] for key in _BESIDES[self.owner] if table.get(key) is not None}
        if self.owner is SettingsOwner.INFERENCE and self._laid.get("timezone") is not None:
            besides["timezone"] = self._laid["timezone"]
        aside = self._wished[camera].settings if camera in self._aside else {}
        revision = _digest_of([settings, besides, aside])
        return Holding(revision, settings, besides, self._aside.get(camera), set_aside=aside)

    def _refused(self, wish: SettingsWish, *, is_known: bool) -> tuple[WishError, ...]:
        """Why a wish cannot be looked at, whatever its values are."""
        camera, own = wish.camera_id, SETTABLE[self.owner]
        if self._document is None:
            return (_error(camera, "cannot be set before the nucleus has said what is deployed; try again"),)
        if camera not in _cameras(self._document) and not (is_known and self.owner is SettingsOwner.INFERENCE):
            return (_error(camera, "is no camera of this device; add it with a deployment"),)
        if wish.revision is not None and wish.revision != self.holding(camera).revision:
            return (_error(camera, "has other settings by now: look at them and set yours again"),)
        said = f"cannot be set here, only with a deployment; of {self.owner} these can: {', '.join(own)}"
        return tuple(_error(camera, said, f".{printable(key)}"[:_SHOWN]) for key in wish.settings if key not in own)

    def _over(
        self, document: Mapping[str, object], wished: Mapping[CameraId, Wished]
    ) -> tuple[Mapping[str, object], dict[CameraId, str]]:
        """The document with what was set here, and of which cameras it is set aside, and why.

        What no longer goes together with the rest of a deployment is set aside too: it must not keep it from holding.
        """
        laid, aside = _lay_over(document, wished, self.owner)
        try:
            self._read(laid)
        except SettingsError:
            fitting: dict[CameraId, Wished] = {}
            for camera in sorted(wished.keys() - aside.keys()):
                more = {**fitting, camera: wished[camera]}
                try:
                    self._read(_lay_over(document, more, self.owner)[0])
                except SettingsError as error:
                    reason = f"what was set here no longer fits what is deployed: {error}"
                    aside[camera] = printable(reason)[:_LONGEST_REASON]
                else:
                    fitting = more
            laid = _lay_over(document, fitting, self.owner)[0]
        return laid, aside

    def _with(self, wish: SettingsWish, document: Mapping[str, object]) -> dict[CameraId, Wished]:
        """All wishes, with one more; what a deployment has overtaken of the camera's earlier ones is forgotten."""
        deployed = _cameras(document).get(wish.camera_id, {})
        before = self._wished.get(wish.camera_id)
        kept = before.settings if before is not None and wish.camera_id not in self._aside else {}
        settings = {key: value for key, value in {**kept, **wish.settings}.items() if value is not None}
        settings = {key: value for key, value in settings.items() if deployed.get(key) != value}
        wished = {camera: one for camera, one in self._wished.items() if camera != wish.camera_id}
        return wished | ({wish.camera_id: Wished.over(deployed, settings)} if settings else {})

    def _store(self, wished: Mapping[CameraId, Wished]) -> None:
        if self._memory is not None:
            stored = {
                camera: {"settings": dict(one.settings), "base": dict(one.base)} for camera, one in wished.items()
            }
            self._memory.store(json.dumps(stored).encode(), durable=True)

    def _recover(self, document: Mapping[str, object]) -> None:
        """A damaged memory must not lay a mask open: what held last and is not deployed was set here."""
        held = _cameras(self._understood.last_document() or {})
        deployed = _cameras(document)
        for camera, table in held.items():
            here = {key: table[key] for key in SETTABLE[self.owner] if key in table}
            own = {key: value for key, value in here.items() if deployed.get(camera, {}).get(key) != value}
            if own:
                self._wished = {**self._wished, camera: Wished.over(deployed.get(camera, {}), own)}
        self._is_damaged = False
        log(logger, logging.ERROR, "wished_damaged", recovered=sorted(self._wished), remedy="look at what holds")


def _lay_over(
    document: Mapping[str, object], wished: Mapping[CameraId, Wished], owner: SettingsOwner
) -> tuple[Mapping[str, object], dict[CameraId, str]]:
    """The document with the wishes that hold over it, and why the others do not."""
    cameras, aside = dict(_cameras(document)), dict[CameraId, str]()
    if document.get(_CAMERAS) is not None and cameras != document[_CAMERAS]:
        return document, aside  # what they are not their reader will say
    for camera, one in wished.items():
        deployed = cameras.get(camera, {})
        if camera not in cameras and owner is SettingsOwner.CAPTURE:
            continue  # a camera that was taken away; it may come back
        overtaken = one.overtaken(deployed)
        if overtaken:
            keys = ", ".join(overtaken)
            aside[camera] = f"a later deployment has other {keys} than were set here; what is deployed holds"
        else:
            cameras[camera] = {**deployed, **one.settings}
    return ({**document, _CAMERAS: cameras} if wished else document), aside


def _cameras(document: Mapping[str, object]) -> Mapping[CameraId, Mapping[str, Any]]:
    """The tables of the cameras; none where they are not what they must be."""
    found = document.get(_CAMERAS)
    tables: Mapping[CameraId, Any] = found if isinstance(found, Mapping) else {}
    return tables if all(isinstance(table, Mapping) for table in tables.values()) else {}


def _stored(memory: MemoryFile | None) -> dict[CameraId, Wished] | None:
    """What the memory holds; None where it is damaged."""
    if memory is None or not os.path.lexists(memory.path):
        return {}
    try:
        found = json.loads(memory.load())
        return {camera_id(name): Wished(dict(one["settings"]), dict(one["base"])) for name, one in dict(found).items()}
    except (ValueError, KeyError, TypeError, RecursionError, ContractError):
        return None


def _error(camera: CameraId, words: str, key: str = "") -> WishError:
    return WishError(f"{_CAMERAS}.{camera}{key}", words)


def _digest_of(value: object) -> str:
    """A name for a value. The order of rules counts."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
