"""The process in which one target is fuzzed: atheris takes the process over and ends it.

`python -m measure.fuzz.child NAME` and libFuzzer's own options and folders.
"""

import logging
import sys

import atheris


def main(arguments: list[str]) -> None:
    """Fuzz until libFuzzer's limits; a finding ends the process with an error, and lies where libFuzzer was told."""
    logging.disable()  # damage is said again and again
    # What is counted as new is decided by what is imported here.
    with atheris.instrument_imports(include=["smartcam", "infra", "tools", "training"]):
        from measure.fuzz.catalogue import TARGETS  # noqa: PLC0415 - instrumented as it is imported

    feed = TARGETS[arguments[0]].feed
    atheris.Setup([sys.argv[0], *arguments[1:]], feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
