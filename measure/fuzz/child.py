"""The process in which one target is fuzzed: atheris takes the process over and ends it.

`python -m measure.fuzz.child MODULE NAME SECONDS LONGEST`, and libFuzzer's own options and folders.
"""

import importlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable

import atheris

from measure.fuzz.had import SPENT


class Timed:
    """Feeds until so many seconds of a processor are spent on it, at the longest so many seconds by the clock.

    libFuzzer's own limit is by the clock, which on a busy machine tells nothing.
    """

    def __init__(self, feed: Callable[[bytes], None], cpu_s: float, longest_s: float) -> None:
        self._feed = feed
        self._began_s = time.process_time()
        self._enough_s = self._began_s + cpu_s
        self._latest_s = time.monotonic() + longest_s
        self._is_told = False

    def __call__(self, data: bytes) -> None:
        """Raises what the decoder raises."""
        self._feed(data)
        spent_s = time.process_time()
        if (spent_s >= self._enough_s or time.monotonic() >= self._latest_s) and not self._is_told:
            self._is_told = True
            print(f"\n{SPENT}{spent_s - self._began_s:.1f}", flush=True)
            os.kill(os.getpid(), signal.SIGUSR1)  # libFuzzer ends well with the input that it has in hand


def main(arguments: list[str]) -> None:
    """Fuzz until the limits; a finding ends the process with an error, and lies where libFuzzer was told."""
    logging.disable()  # damage is said again and again
    module, name, cpu_s, longest_s, *options = arguments
    # What is counted as new is decided by what is imported here.
    with atheris.instrument_imports(include=["smartcam", "infra", "tools", "training"]):
        targets = importlib.import_module(module).TARGETS
    atheris.Setup([sys.argv[0], *options], Timed(targets[name].feed, float(cpu_s), float(longest_s)))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
