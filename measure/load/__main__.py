"""See `measure.load.command`."""

import sys

from measure.load.command import main
from tools.command_line import interruptible

if __name__ == "__main__":
    sys.exit(interruptible("load", main))
