# SPDX-License-Identifier: Apache-2.0
"""The one-line form of a name as OpenSSL itself writes it, for comparison.

Owns two calls into the library that Python's own `ssl` is linked with. Must
never be used outside tests. Read first: oneline.
"""

from __future__ import annotations

import _ssl
import ctypes

_lib = ctypes.CDLL(_ssl.__file__)
_lib.d2i_X509_NAME.restype = ctypes.c_void_p
_lib.d2i_X509_NAME.argtypes = [
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_char_p),
    ctypes.c_long,
]
_lib.X509_NAME_oneline.restype = ctypes.c_void_p
_lib.X509_NAME_oneline.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
_lib.X509_NAME_free.argtypes = [ctypes.c_void_p]
_SIZE = 100_000


def oneline(encoded: bytes) -> str | None:
    """Return X509_NAME_oneline of a name in DER, None if OpenSSL cannot read it."""
    place = ctypes.c_char_p(encoded)
    name = _lib.d2i_X509_NAME(None, ctypes.byref(place), len(encoded))
    if not name:
        return None
    buffer = ctypes.create_string_buffer(_SIZE)
    try:
        if not _lib.X509_NAME_oneline(name, buffer, _SIZE):
            return None
    finally:
        _lib.X509_NAME_free(name)
    return buffer.value.decode("ascii")
