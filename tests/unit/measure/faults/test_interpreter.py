import subprocess
import time
from pathlib import Path

from measure.faults.interpreter import SteppedInterpreter

ASK = "import time; print(time.time_ns(), time.time(), time.monotonic())"


def test_the_wall_clock_is_stepped_and_the_monotonic_one_is_not(tmp_path: Path) -> None:
    stepped = SteppedInterpreter(tmp_path / "stepped")
    command = stepped.write()
    for step in (0, 86_400, -86_400):
        stepped.step(step)
        ran = subprocess.run([str(command), "-c", ASK], capture_output=True, text=True, check=True)
        in_ns, in_s, monotonic = map(float, ran.stdout.split())
        assert abs(in_ns / 1e9 - time.time() - step) < 60
        assert abs(in_s - time.time() - step) < 60
        assert abs(monotonic - time.monotonic()) < 60
