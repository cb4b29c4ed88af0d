from pathlib import Path

from measure.demo.inference_log import InferenceCounts, last_counts, left_in_outbox
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Phase
from smartcam.edge.clock import SystemClock
from smartcam.edge.logs import line
from smartcam.edge.outbox.outbox import Outbox
from tests.unit.measure.demo.test_story import event


def test_the_last_counters_are_taken(tmp_path: Path) -> None:
    log = tmp_path / "log"
    early, late = (line("inference_health", {"analysed": number, "dropped": 2, "unstored": 0}) for number in (7, 90))
    log.write_text(f"2026 INFO x {early}\n2026 INFO x something else=1\n2026 INFO x {late}\n2026 INFO x stopped\n")
    assert last_counts(log) == InferenceCounts(analysed=90, dropped=2, unstored=0)


def test_without_a_log_nothing_was_counted(tmp_path: Path) -> None:
    assert last_counts(tmp_path / "none") == InferenceCounts()


def test_what_the_cloud_has_not_acknowledged_is_left(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite3"
    assert left_in_outbox(path) == 0
    outbox = Outbox(path, SystemClock())
    outbox.put(event())
    outbox.put(event(Phase.CLEARED))
    outbox.acknowledge(Acknowledgement(event().event_id, Phase.RAISED, AckStatus.ACCEPTED))
    outbox.close()
    assert left_in_outbox(path) == 1
