# SPDX-License-Identifier: Apache-2.0
"""The errors of the VOMS core, split by whose fault they are.

Owns the two families and the status that a server may answer with, so that
the core never imports HTTP. Must never hold a key or a whole certificate.
Read ``VomsError`` first; the refusals themselves are listed in ``codes.py``.
"""

from __future__ import annotations


class VomsError(Exception):
    """What went wrong, where, and how to mend it, under a stable code.

    ``code`` is snake_case and never changes its meaning; ``subject`` names the
    DN or the file in question, or is None.
    """

    status = 500

    def __init__(
        self, code: str, *, what: str, mend: str, subject: str | None = None
    ) -> None:
        super().__init__(code, what, mend, subject)
        self.code = code
        self.what = what
        self.mend = mend
        self.subject = subject

    def __str__(self) -> str:
        return f"{self.what} {self.mend}"


class CredentialRefused(VomsError):
    """The credential that was presented is not accepted.

    ``user`` is the DN that the user's certificate claims, as soon as there is
    one: unverified, and meant for the log alone.
    """

    status = 401
    user: str | None = None


class SetupError(VomsError):
    """The operator's set-up does not allow any credential to be judged."""

    status = 500
