"""Gives memory back to the system that the C library keeps after it was freed."""

import ctypes


def give_back() -> None:
    """To be called when much has been freed that will not soon be needed.

    glibc returns only what lies at the end of its heap: one block behind it that is still in use, and all that a closed
    decoder has freed stays with the process. Takes milliseconds. Nothing where the C library is another.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
