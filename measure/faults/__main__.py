"""See `measure.faults.command`."""

import sys

from measure.faults.command import main
from tools.command_line import interruptible

if __name__ == "__main__":
    sys.exit(interruptible("faults", main))
