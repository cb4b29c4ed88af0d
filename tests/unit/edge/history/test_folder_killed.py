"""A process that is killed while it writes its history."""

import subprocess
import sys
from pathlib import Path

from smartcam.edge.history.reading import PastEvents
from tests.unit.edge.history.sample import the_id

WRITER = """
import sys
from pathlib import Path
from smartcam.edge.history.folder import EventHistory, HistorySettings
from tests.fakes.clock import FakeClock
from tests.unit.edge.history.sample import raised
history = EventHistory(Path(sys.argv[1]), FakeClock())
history.configure(HistorySettings())
for number in range(10**9):
    history.add(raised(number))
    history.store()
    print(number, flush=True)
"""


def test_what_was_stored_before_a_process_is_killed_is_there(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(60):
            told = int(writer.stdout.readline())
        writer.kill()
    reader = PastEvents(tmp_path)
    reader.refresh()
    kept = [past.event.event_id for past in reader.page(limit=1000).events]
    assert kept[-told - 1 :] == [the_id(number) for number in range(told, -1, -1)]
