"""`python -m devkit rollback`; see devkit/release."""

from devkit.release.verbs import rollback as main

__all__ = ["main"]
