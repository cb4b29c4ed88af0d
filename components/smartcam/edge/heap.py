"""Gives memory back to the system that is free, or that nobody can reach any more."""

import ctypes
import gc


def give_back() -> None:
    """To be called when something large has been closed; takes 20 to 30 ms on a PC.

    PyAV's containers and their streams refer to each other: the decoder and its pictures stay until Python looks for
    such circles, which it seldom does. And glibc returns only what lies at the end of its heap: behind one block that
    is still in use, all that was freed stays with the process. Another C library is left to itself.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
