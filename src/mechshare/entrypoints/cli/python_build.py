"""Whether this Python was built with profile-guided optimization; without it, mechshare serves half as fast."""

import ctypes
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from itertools import pairwise

_RECORDS = ("CONFIG_ARGS", "PY_CFLAGS", "PY_CFLAGS_NODIST", "PY_LDFLAGS_NODIST")
_SIGNS = ("--enable-optimizations", "-fprofile-use", "-fprofile-instr-use")
_SOURCES = (
    ("PyLong_AsLong", "PyLong_AsUnsignedLongLongMask", "PyLong_AsVoidPtr", "PyLong_FromLong"),
    ("PyList_AsTuple", "PyList_New", "PyList_Reverse", "PyList_SetSlice"),
    ("PyDict_Clear", "PyDict_Copy", "PyDict_GetItem", "PyDict_New"),
    ("PyTuple_GetSlice", "PyTuple_New", "PyTuple_Pack", "PyTuple_SetItem"),
)
"""Functions of four source files of CPython: those that every program calls, and those that few call."""


def description() -> str:
    """Returns how this Python was built, to follow its version."""
    match is_optimized():
        case True:
            return "built with profile-guided optimization"
        case False:
            return "built without profile-guided optimization"
        case None:
            return "which does not say how it was built"


def advice() -> str:
    """Returns which Python to use instead of this one; empty if this one is optimized or nothing tells."""
    if is_optimized() is not False:
        return ""
    return (
        "use the Python of the distribution, of python.org or of the image python:3.12-slim, or build it with "
        "--enable-optimizations (pyenv: PYTHON_CONFIGURE_OPTS=--enable-optimizations); mechshare then serves up to "
        "twice as many requests"
    )


def is_optimized() -> bool | None:
    """Says whether this Python was built with profile-guided optimization; None if nothing tells."""
    record = " ".join(str(sysconfig.get_config_var(name) or "") for name in _RECORDS)
    sources = [_addresses(names) for names in _SOURCES] if sys.platform == "linux" else []
    return is_optimized_build(record, sources)


def is_optimized_build(record: str, sources: Sequence[Sequence[int]]) -> bool | None:
    """Judges a build by the options that it recorded and by the addresses of functions, a list for each source file;
    none where they tell nothing.

    An optimized build need not record it: those of Debian and Ubuntu do not. But with a profile, the compiler puts
    what is called often into one place and the rest into another, so the functions of a file are scattered among
    those of others. Without one, they stand together. Optimization by the linker may scatter them, too, so a build
    that recorded it is judged by the options alone.
    """
    if any(sign in record for sign in _SIGNS):
        return True
    if "-flto" in record or not sources or not all(sources):
        return None
    return _are_scattered(sources)


def _are_scattered(sources: Iterable[Sequence[int]]) -> bool:
    ranges = sorted((min(addresses), max(addresses)) for addresses in sources)
    return any(end > start for (_, end), (start, _) in pairwise(ranges))


def _addresses(names: Iterable[str]) -> list[int]:
    """Returns where the functions are in memory; nothing if this Python lacks one."""
    try:
        functions = [getattr(ctypes.pythonapi, name) for name in names]
    except AttributeError:
        return []
    return [ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions]
