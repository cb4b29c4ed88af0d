"""`python -m devkit deploy`; see devkit/release."""

from devkit.release.verbs import deploy as main

__all__ = ["main"]
