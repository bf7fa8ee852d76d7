"""Has file permissions hold for the tests, whoever runs them: root may otherwise read all."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VERSION_3 = 0x20080522
_READ_AND_WRITE_ALL = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


@contextmanager
def unprivileged() -> Iterator[None]:
    """Take away root's right to ignore the modes of files, from this thread and those it starts.

    See capset(2): what is taken out of the effective set stays permitted, and is put back.
    """
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("root may read all files, and Linux alone can take that right from a thread")
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    before = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, before) == 0
    effective, *rest = before
    restricted = (ctypes.c_uint32 * 6)(effective & ~_READ_AND_WRITE_ALL, *rest)
    assert libc.capset(header, restricted) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0
