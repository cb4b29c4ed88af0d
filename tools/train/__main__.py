"""`python -m tools.train`: `smartcam train` in the environment that has TensorFlow."""

import sys

from smartcam.edge.standard_output import printed
from tools.train.command import main

if __name__ == "__main__":
    sys.exit(printed(lambda: main(sys.argv[1:])))
