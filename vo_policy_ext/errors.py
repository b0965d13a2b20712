# SPDX-License-Identifier: Apache-2.0
"""Why a request does not reach the service.

Owns: the refusals, each with a status, a short text for the client and a
stable code for the log. Must never: tell the client anything about another
user's resource. Read first: Refused.
"""


class Refused(Exception):
    """The request is answered here. `message` is for the client."""

    status = 403

    def __init__(self, message: str, *, code: str) -> None:
        """`code` is for the log and for who searches it: `not_the_owner`."""
        super().__init__(message)
        self.message = message
        self.code = code


class Missing(Refused):
    """To this user it does not exist. The text is the service's own."""

    status = 404


class Malformed(Refused):
    """The request could be read in two ways, or in none."""

    status = 400


class Unready(Refused):
    """The site's set-up does not let this be decided: nobody gets through.

    `mend` is for the log alone: it says what the operator has to do.
    """

    status = 503

    def __init__(self, message: str, *, code: str, mend: str) -> None:
        """The client reads `message`, the operator reads `mend`."""
        super().__init__(message, code=code)
        self.mend = mend
