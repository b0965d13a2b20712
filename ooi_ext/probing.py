# SPDX-License-Identifier: Apache-2.0
"""The federation's check of a site's OCCI interface, step by step.

Owns: what is sent, which is what the monitoring's own probe sends, and what
must come back. Unlike that one it deletes nothing but the machine it has made.
Must never: leave that machine behind, whatever fails. Read first: probe.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from keystoneauth1 import exceptions

from ooi_ext import kinds
from ooi_ext.errors import OcciError, shown
from ooi_ext.model import Kind, Message, Mixin
from ooi_ext.rendering import text

TITLE = "occi-probe"
# Byte for byte what the monitoring sends, both media types in one header.
HEADERS = {"Accept": "text/plain,text/occi", "Content-Type": "text/plain,text/occi"}

_POLL_SECONDS = 1.0
_KEYSTONE = re.compile(r"Keystone uri='[^'=]+'")
_STATE = re.compile(r'^X-OCCI-Attribute: occi\.compute\.state="(\w+)"', re.MULTILINE)
_NEEDED = ("compute", "network", "storage", "os_tpl", "resource_tpl")


class Failure(Exception):
    """A step did not end as the federation's monitoring wants it."""


@dataclass(frozen=True)
class Reply:
    """What came back; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Row:
    """How one step went."""

    name: str
    fine: bool
    seconds: float
    said: str


# Sends one request: method, path below the endpoint or URL, body, with a token?
Send = Callable[[str, str, bytes, bool], Reply]


def over(session: Any, endpoint: str) -> Send:
    """Return how requests are sent to `endpoint` with keystoneauth's `session`."""

    def send(method: str, path: str, body: bytes, token: bool) -> Reply:
        try:
            answer = session.request(
                path if "://" in path else endpoint + path,
                method,
                data=body or None,
                headers=HEADERS,
                authenticated=token,
                raise_exc=False,
                redirect=False,
            )
        except exceptions.ClientException as error:
            raise Failure(str(error)) from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        answer.encoding = "utf-8"
        return Reply(answer.status_code, headers, answer.text)

    return send


def probe(
    send: Send,
    *,
    os_tpl: str = "",
    resource_tpl: str = "",
    seconds: float = 300,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Row]:
    """Yield how each step went; the first that fails is the last but deleting.

    `os_tpl` and `resource_tpl` are terms; left empty, the first one of each in
    the query interface is taken. `seconds` is how long to wait for the machine
    to be active, and again for it to be gone.
    """
    run = _Run(send, seconds=seconds, pause=pause, wanted=(os_tpl, resource_tpl))
    steps = (
        ("refuse", run.refuse),
        ("query", run.query),
        ("list", run.list_machines),
        ("create", run.create),
        ("become active", run.become_active),
    )
    deleting = False
    try:
        for name, step in steps:
            row = _row(name, step)
            yield row
            if not row.fine:
                break
        if run.url:
            deleting = True
            row = _row("delete", run.delete)
            yield row
            if row.fine:
                yield _row("be gone", run.be_gone)
    finally:
        # Somebody lost patience, or does not want to hear the rest.
        if run.url and not deleting:
            with suppress(Failure):
                run.delete()


@dataclass
class _Run:
    """One probe under way: what it has found, and what it has made."""

    send: Send
    seconds: float
    pause: Callable[[float], None]
    # The terms asked for: os_tpl, resource_tpl.
    wanted: tuple[str, str]
    mixins: tuple[Mixin, ...] = ()
    url: str = field(default="")

    def refuse(self) -> str:
        """Without a token a client must be told where Keystone is."""
        reply = self.send("GET", "/-/", b"", False)
        said = reply.headers.get("www-authenticate", "")
        if reply.status != 401 or not _KEYSTONE.fullmatch(said):
            raise Failure(
                f"without a token: {reply.status}, WWW-Authenticate: {shown(said)}; "
                "wanted: 401, Keystone uri='...'"
            )
        return said

    def query(self) -> str:
        reply = self._expect("GET", "/-/", 200)
        if "OCCI/1." not in reply.headers.get("server", ""):
            raise Failure("the header Server names no version of OCCI")
        offered = _read(reply).categories
        terms = {c.term for c in offered if c.scheme == kinds.INFRASTRUCTURE}
        if missing := [term for term in _NEEDED if term not in terms]:
            raise Failure(f"missing: {', '.join(missing)}")
        self.mixins = tuple(
            _choose(offered, base, term)
            for base, term in zip(
                (kinds.OS_TPL, kinds.RESOURCE_TPL), self.wanted, strict=True
            )
        )
        return f"{len(offered)} categories"

    def list_machines(self) -> str:
        reply = self._expect("GET", kinds.COMPUTE.location, 200)
        return f"{len(_read(reply).locations)} machines"

    def create(self) -> str:
        message = Message(
            categories=(
                Kind(scheme=kinds.COMPUTE.scheme, term=kinds.COMPUTE.term),
                *(Mixin(scheme=m.scheme, term=m.term) for m in self.mixins),
            ),
            attributes=(
                ("occi.core.title", TITLE),
                ("occi.compute.hostname", TITLE),
            ),
        )
        _, body = text.render_plain(message)
        reply = self._expect("POST", kinds.COMPUTE.location, 201, body=body)
        locations = _read(reply).locations
        self.url = reply.headers.get("location") or "".join(locations[:1])
        if not self.url:
            raise Failure("201, but no Location: the machine cannot be deleted")
        return self.url

    def become_active(self) -> str:
        def state() -> str:
            found = _STATE.search(self._expect("GET", self.url, 200).text)
            return found[1] if found else "unknown"

        return self._wait(state, until="active", never="error")

    def delete(self) -> str:
        reply = self.send("DELETE", self.url, b"", True)
        if reply.status not in (200, 204):
            raise _unexpected(reply, "DELETE")
        return str(reply.status)

    def be_gone(self) -> str:
        def status() -> str:
            return str(self.send("GET", self.url, b"", True).status)

        return self._wait(status, until="404", never="")

    def _wait(self, look: Callable[[], str], *, until: str, never: str) -> str:
        end = time.monotonic() + self.seconds
        while (found := look()) != until:
            if found == never:
                raise Failure(f"it is {found}")
            if time.monotonic() > end:
                raise Failure(f"{found} after {self.seconds:.0f} seconds")
            self.pause(_POLL_SECONDS)
        return found

    def _expect(
        self, method: str, path: str, status: int, *, body: bytes = b""
    ) -> Reply:
        reply = self.send(method, path, body, True)
        if reply.status != status:
            raise _unexpected(reply, method)
        return reply


def _row(name: str, step: Callable[[], str]) -> Row:
    begin = time.monotonic()
    try:
        said, fine = step(), True
    except Failure as failure:
        said, fine = str(failure), False
    return Row(name, fine, time.monotonic() - begin, said)


def _choose(offered: Iterable[Any], base: Mixin, term: str) -> Mixin:
    # A template is known by what it derives from, not by its scheme.
    found = [
        c for c in offered if isinstance(c, Mixin) and base.identifier in c.depends
    ]
    for mixin in found:
        if term in ("", mixin.term):
            return mixin
    raise Failure(f"there is no {base.term} {term or 'at all'}")


def _read(reply: Reply) -> Message:
    try:
        return text.parse_plain(reply.text.encode(), {})
    except OcciError as error:
        raise Failure(f"what came back is no OCCI: {error}") from error


def _unexpected(reply: Reply, method: str) -> Failure:
    return Failure(f"{method}: {reply.status} {shown(reply.text)}")
