"""A visit before a full disk, or a full shared memory: run by test_full_disk, where both are small mounts.

python -m tests.system.full_disk FOLDER disk|start|memory
"""

import sys
from pathlib import Path

from smartcam.contract.notice import StatusNotice
from smartcam.edge.clock import SystemClock
from smartcam.edge.logs import configure_logging
from smartcam.edge.outbox.outbox import Outbox, OutboxCounts
from smartcam.inference.main import build as build_inference
from tests.pipeline.site import THING, Component, Site
from tests.pipeline.test_inline import ways
from tests.pipeline.visitor import red_bundle, visit_clip
from tests.waiting import until

RAISED, CLEARED = ("anomaly", "raised"), ("anomaly", "cleared")


class SmallSite(Site):
    """A site with its outbox and pictures on one mount, its shared memory on another."""

    def __init__(self, folder: Path, **camera: object) -> None:
        clip = visit_clip(folder / "yard.mp4", empty=40)
        (folder / "site").mkdir()
        super().__init__(folder / "site", red_bundle(folder / "bundle"), {"yard": clip}, **camera)
        self.shm, self.disk = folder / "memory", folder / "disk"

    def start_inference(self) -> None:
        self._outbox = Outbox(self.disk / "outbox.sqlite3", SystemClock())
        bus = self.nucleus.bus("smartcam.Inference")
        self._inference = Component(build_inference(THING, self._bundle, self.shm, bus, self._outbox, self.disk))
        until(lambda: self.service().facts.model_name)

    def counts(self) -> OutboxCounts:
        assert self._outbox is not None
        return self._outbox.counts()

    def reasons(self) -> set[str]:
        return {notice.reason for notice in self.notices() if isinstance(notice, StatusNotice)}


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filler


def full_disk(site: SmallSite) -> None:
    """Events are sent all the same; with room again the outbox is on the disk, and nothing was lost."""
    site.start_inference()
    filler = fill(site.disk)
    site.start_capture()
    _one_visit(site)
    filler.unlink()
    until(lambda: not site.counts().in_memory)
    assert list(site.disk.rglob("*.part")) == []


def full_from_the_start(site: SmallSite) -> None:
    """The same where the process begins with a full disk, and an outbox that an earlier one has left on it."""
    site.start_inference()
    site.stop_inference()
    filler = fill(site.disk)
    site.start_inference()
    assert site.counts().in_memory
    site.start_capture()
    _one_visit(site)
    filler.unlink()
    until(lambda: not site.counts().in_memory)


def _one_visit(site: SmallSite) -> None:
    until(lambda: site.cloud.phases()[:2] == [RAISED, CLEARED])
    until(lambda: site.waiting() == 0)
    assert site.counts().in_memory
    assert (site.service().facts.failed, site.service().changes.unstored) == (0, 0)


def full_memory(site: SmallSite) -> None:
    """Frames travel inside messages, which the status says, and through shared memory when there is room."""
    filler = fill(site.shm)
    site.start_inference()
    site.start_capture()
    until(lambda: site.cloud.phases()[:1] == [RAISED])
    assert ways(site) == ["inline"]
    assert any("frames travel inline" in reason and "no room for a ring" in reason for reason in site.reasons())
    filler.unlink()
    until(lambda: ways(site) == ["inline", "shared"])
    until(lambda: site.cloud.phases()[:2] == [RAISED, CLEARED])


def main() -> None:
    folder, what = Path(sys.argv[1]), sys.argv[2]
    configure_logging("INFO")
    # Capture looks for room seldom: in memory there are visits until it has found some.
    site = SmallSite(folder, at_end="reopen" if what == "memory" else "stop")
    try:
        {"disk": full_disk, "start": full_from_the_start, "memory": full_memory}[what](site)
    finally:
        site.stop()
    assert list(site.shm.iterdir()) == []


if __name__ == "__main__":
    main()
