"""`python -m measure.fuzz`."""

import signal
import sys

from measure.fuzz.command import main

if __name__ == "__main__":
    # The fuzzing processes are on leashes: they end with this one, however it ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
