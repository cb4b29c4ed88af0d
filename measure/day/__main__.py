"""`python -m measure.day`."""

import sys

from measure.day.command import main

if __name__ == "__main__":
    sys.exit(main())
