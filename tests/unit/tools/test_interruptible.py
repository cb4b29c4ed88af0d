"""Who ends a command by SIGTERM ends what it has started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.command_line import INTERRUPTED

_WITH_A_CHILD = """
import subprocess, sys
from tools.command_line import interruptible

def run():
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
    print(child.pid, flush=True)
    try:
        return child.wait()
    finally:
        child.kill()
        child.wait()

sys.exit(interruptible("measurement", run))
"""
_WITH_A_POOL = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from tools.command_line import interruptible

def work():
    print(os.getpid(), flush=True)
    time.sleep(600)

def run():
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work).result()

if __name__ == "__main__":
    sys.exit(interruptible("measurement", run))
"""


def started(code: str, folder: Path) -> subprocess.Popen[str]:
    script = folder / "script.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.parametrize("code", [_WITH_A_CHILD, _WITH_A_POOL], ids=["a process", "a pool"])
def test_a_command_that_is_ended_leaves_nothing_running(code: str, tmp_path: Path) -> None:
    with started(code, tmp_path) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert said.splitlines()[-1] == "smartcam measurement: interrupted"
    assert not Path(f"/proc/{child}").exists()
