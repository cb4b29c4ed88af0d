"""`python -m measure.fuzz`."""

import sys

from measure.fuzz.command import main

if __name__ == "__main__":
    sys.exit(main())
