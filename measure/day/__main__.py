"""`python -m measure.day`."""

import sys

from measure.day.command import main
from tools.command_line import interruptible

if __name__ == "__main__":
    sys.exit(interruptible("day", main))
