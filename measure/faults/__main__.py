"""See `measure.faults.command`."""

import sys

from measure.faults.command import main

if __name__ == "__main__":
    sys.exit(main())
