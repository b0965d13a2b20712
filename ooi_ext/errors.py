# SPDX-License-Identifier: Apache-2.0
"""The errors of the OCCI interface, split by whose fault they are.

Owns: the exception types, and how text of a stranger is quoted in a message.
An error carries an HTTP status as a hint, so that parsing and translating
never import HTTP. Must never: hold a token, a key or a whole request.
Read first: OcciError, then shown.
"""

_SHOWN_LENGTH = 160


class OcciError(Exception):
    """A request that cannot be answered: what is wrong and how to mend it.

    `status` is the HTTP status of the answer. `str()` gives one line.
    """

    status = 500

    def __init__(self, what: str, *, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return " ".join(f"{self.what} {self.mend}".split())


class BadRequest(OcciError):
    """The client's request is malformed or asks for something impossible."""

    status = 400


class NotFound(OcciError):
    """Nothing lives at the path of the request."""

    status = 404


class MethodNotAllowed(OcciError):
    """The path exists, but not for this method; `allow` lists those it has."""

    status = 405

    def __init__(self, what: str, *, allow: tuple[str, ...], mend: str = "") -> None:
        super().__init__(what, mend=mend)
        self.allow = allow


class NotAcceptable(OcciError):
    """No rendering that the client accepts (its Accept header) exists here."""

    status = 406


class TooLarge(OcciError):
    """The request body is longer than this interface reads."""

    status = 413


class UnsupportedMediaType(OcciError):
    """The request body is in a rendering (Content-Type) not known here."""

    status = 415


class NotSupported(OcciError):
    """The standard knows this request, this interface does not offer it."""

    status = 501


class UpstreamError(OcciError):
    """An OpenStack service refused or failed; `service` names it.

    `status` is the service's own for a refusal (4xx), 502 for an answer that
    makes no sense and 503 for a service that is down.
    """

    def __init__(self, what: str, *, service: str, status: int, mend: str = "") -> None:
        super().__init__(what, mend=mend)
        self.service = service
        self.status = status


def shown(text: str) -> str:
    """Return `text` in double quotes, fit to stand in an error of one line.

    Control characters are escaped and long text is cut, so that what a client
    sent can neither break the line of a log nor a header of the answer.
    """
    cut = text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "..."
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
    return f'"{plain}"'
