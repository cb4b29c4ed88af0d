"""See `measure.load.command`."""

import sys

from measure.load.command import main

if __name__ == "__main__":
    sys.exit(main())
