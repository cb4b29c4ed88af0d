"""What Debian's `motion` spends on the same clip, where it is installed."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Final

from smartcam.contract.times import NS_PER_MS, NS_PER_S

_PACE: Final = 100
"""Pictures a second at which it is fed: fast, but slow enough that it examines all of them."""
_PATIENCE_S: Final = 30.0
_CONNECTED: Final = "Camera source is"
_AT_THE_END: Final = "End of file"
_CONFIGURATION: Final = """\
daemon off
log_level 7
netcam_url file://{clip}
netcam_params capture_rate={pace}
width {width}
height {height}
framerate {pace}
picture_output off
movie_output off
webcontrol_port 0
stream_port 0
target_dir {folder}
"""


def measure_rival(clip: Path, width: int, height: int, frames: int) -> float | None:
    """CPU milliseconds per frame of one pass over the clip: decoding, motion detection, nothing stored.

    None where `motion` is not installed, or does not get through the clip.
    """
    program = shutil.which("motion")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "motion.conf"
        configuration.write_text(
            _CONFIGURATION.format(clip=clip.absolute(), pace=_PACE, width=width, height=height, folder=folder)
        )
        command = [program, "-n", "-c", str(configuration), "-p", f"{folder}/pid"]
        running = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        guard = threading.Timer(_PATIENCE_S + 2 * frames / _PACE, running.kill)
        guard.start()
        try:
            spent_ns = _one_pass(running)
        finally:
            guard.cancel()
            _end(running)
    return None if spent_ns is None else spent_ns / frames / NS_PER_MS


def _one_pass(running: "subprocess.Popen[str]") -> int | None:
    """CPU nanoseconds from the clip's opening to its end."""
    begun: int | None = None
    for line in running.stdout or ():
        if _CONNECTED in line:
            begun = _cpu_ns(running.pid)
        elif _AT_THE_END in line and begun is not None:
            return _cpu_ns(running.pid) - begun
    return None


def _cpu_ns(process: int) -> int:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) * NS_PER_S // os.sysconf("SC_CLK_TCK")


def _end(running: "subprocess.Popen[str]") -> None:
    if running.stdout is not None:
        running.stdout.close()
    running.send_signal(signal.SIGTERM)
    try:
        running.wait(5)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
