"""The stand-in's listener: what becomes of a component that connects while the nucleus stops."""

import asyncio
import contextlib
import gc
import socket
from pathlib import Path

import pytest

from standins.nucleus.configuration import ConfigurationStore
from standins.nucleus.core import NucleusCore, SystemSettings
from standins.nucleus.journal import Journal
from standins.nucleus.profile import LITE
from standins.nucleus.testbed import MemoryCloud


@pytest.mark.parametrize("turns", range(6))
def test_a_component_that_connects_while_the_nucleus_stops_is_disconnected(turns: int, tmp_path: Path) -> None:
    """On its way in a connection belongs to nobody for a turn of the loop: it must not be lost there."""

    async def stopped_after(connecting: socket.socket) -> None:
        journal, device = Journal(tmp_path / "journal"), SystemSettings(tmp_path, "yard", tmp_path / "s")
        nucleus = NucleusCore(device, LITE, ConfigurationStore(), MemoryCloud(), journal)
        await nucleus.start()
        connecting.connect(str(tmp_path / "s"))
        for _ in range(turns):
            await asyncio.sleep(0)
        await nucleus.stop()
        # What the server lost would be closed by the garbage collector, with a warning that fails the test.
        await asyncio.sleep(0)
        journal.close()

    with socket.socket(socket.AF_UNIX) as component:
        component.settimeout(10)
        asyncio.run(stopped_after(component))
        gc.collect()
        with contextlib.suppress(ConnectionResetError):
            assert component.recv(1) == b""
