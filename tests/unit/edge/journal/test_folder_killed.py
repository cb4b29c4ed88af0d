"""A process that is killed while it writes its journal."""

import subprocess
import sys
from pathlib import Path

from tests.unit.edge.journal.test_folder import seconds

WRITER = """
import sys
from pathlib import Path
from smartcam.edge.journal.folder import JournalSettings, TrackJournal
from tests.fakes.clock import FakeClock
from tests.unit.edge.journal.test_folder import a_row
journal = TrackJournal(Path(sys.argv[1]), FakeClock())
journal.configure(JournalSettings())
for second in range(10**9):
    journal.add([a_row(second, second)])
    journal.store(at_once=True)
    print(second, flush=True)
"""


def test_what_was_stored_before_a_process_is_killed_is_there(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(100):
            told = int(writer.stdout.readline())
        writer.kill()
    assert seconds(tmp_path)[: told + 1] == list(range(told + 1))
