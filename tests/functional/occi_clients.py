# SPDX-License-Identifier: Apache-2.0
"""Clients of the federation: how they send, and how they read what comes back.

Owns: header sets, order and syntax of lines, and the simple means by which each
program reads an answer. Must never: be made to read more than the program does.
Read `model`, Rocci and Im.
"""

import re
import uuid
from urllib.parse import urlsplit

from tests.functional.occi_endpoint import Occi
from tests.functional.occi_networks import until, written
from tests.unit.ooi import client_requests as ask

POOLS = "http://schemas.openstack.org/network/floatingippool#"

# How a parser of lines reads the query interface: in this order, in lower case.
MODEL = re.compile(
    r"Category: (?P<term>[a-z0-9][a-z0-9_-]*); "
    r'scheme="(?P<scheme>[^"]+#)"; class="(?P<class>kind|mixin|action)"'
    r'(; title="(?P<title>[^"\\;,]*)")?(; rel="(?P<rel>[^"]+)")?'
    r'(; location="(?P<location>[^"]+/)")?(; attributes="(?P<attributes>[^"]+)")?'
    r'(; actions="(?P<actions>[^"]+)")?'
)


def model(text: str) -> list[dict[str, str | None]]:
    """Return the categories of the query interface; every line must be one."""
    found = []
    for line in text.split("\n"):
        match = MODEL.fullmatch(line)
        assert match, line
        found.append(match.groupdict())
    return found


def path(url: str) -> str:
    return urlsplit(url).path


class Rocci:
    """rOCCI-cli 4.3: Ruby's inspect around strings, no line feed at the end."""

    headers = written(ask.ROCCI.headers)

    def __init__(self, occi: Occi) -> None:
        self.occi = occi
        self.lists = {**self.headers, "Accept": "text/uri-list"}

    def get(self, url: str) -> str:
        answer = self.occi.send("GET", url, **self.headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def listed(self, kind: str) -> list[str]:
        answer = self.occi.send("GET", f"/{kind}/", **self.lists)
        assert answer.status_code in (200, 204), answer.text
        return answer.text.split()

    def post(self, place: str, *lines: str) -> str:
        """Return the location of what was made: of a 201 the header, then the body."""
        body = "\n".join(lines).encode()
        answer = self.occi.send("POST", place, body, **self.headers)
        assert answer.status_code == 201, answer.text
        assert answer.text == f"X-OCCI-Location: {answer.headers['Location']}"
        return answer.headers["Location"]

    def create(self, kind: str, *lines: str) -> str:
        own = f'X-OCCI-Attribute: occi.core.id="{uuid.uuid4()}"'
        category = f'Category: {kind};scheme="{ask.INFRA}";class="kind"'
        return self.post(f"/{kind}/", category, *lines, own)

    def link(self, kind: str, source: str, target: str, *mixins: str) -> str:
        return self.post(
            f"/{kind}/",
            f'Category: {kind};scheme="{ask.INFRA}";class="kind"',
            *mixins,
            f'X-OCCI-Attribute: occi.core.id="{uuid.uuid4()}"',
            f'X-OCCI-Attribute: occi.core.source="{path(source)}"',
            f'X-OCCI-Attribute: occi.core.target="{path(target)}"',
        )

    def trigger(self, url: str, action: str, **attributes: str) -> str:
        body = ask.rocci_action(action, **attributes)
        url = f"{path(url).removeprefix('/occi1.1')}?action={action}"
        answer = self.occi.send("POST", url, body, **self.headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def delete(self, url: str) -> None:
        answer = self.occi.send("DELETE", url, **self.headers)
        assert answer.status_code in (200, 204), answer.text

    def gone(self, url: str) -> None:
        until(lambda: self.occi.send("GET", url).status_code == 404, f"{url} is there")


class Im:
    """The Infrastructure Manager: a connection for each request, split() for all."""

    headers = written(ask.IM.headers)

    def __init__(self, occi: Occi) -> None:
        self.occi = occi
        self.prefix = path(occi.endpoint)
        self.offered = self.get("/-/")

    def get(self, url: str, status: int = 200) -> str:
        answer = self.occi.send("GET", url, Accept="text/plain", Connection="close")
        assert answer.status_code == status, answer.text
        return answer.text

    def location(self, term: str) -> str:
        """Return the place of a kind: what stands behind location= in its line."""
        for line in self.offered.split("\n"):
            if line.find(f"Category: {term};") != -1:
                for part in line.split(";"):
                    if part.find("location=") != -1:
                        return part.split('"')[1]
        raise AssertionError(term)

    def post(self, place: str, body: str) -> str:
        """Return the id of what was made: the last segment of the whole body."""
        answer = self.occi.send("POST", place, body.encode(), **self.headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.text.rpartition("/")[2]

    def volume(self) -> str:
        own = f"im-disk-{uuid.uuid4().hex[:8]}"
        volume_id = self.post(
            "/storage/",
            f'Category: storage; scheme="{ask.INFRA}"; class="kind"\n'
            f'X-OCCI-Attribute: occi.core.id="{own}"\n'
            f'X-OCCI-Attribute: occi.core.title="{own}"\n'
            "X-OCCI-Attribute: occi.storage.size=1\n",
        )
        wanted = 'X-OCCI-Attribute: occi.storage.state="online"'
        until(
            lambda: wanted in self.get(f"/storage/{volume_id}").split("\n"),
            "not online",
        )
        return volume_id

    def act(self, machine: str, action: str) -> None:
        place = f"/compute/{machine}?action={action}"
        self.occi.send("POST", place, ask.rocci_action(action), **self.headers)

    def storage_links(self, machine: str) -> list[tuple[str, str]]:
        """Return link and storage, by what it cuts out of the machine's lines."""
        found = []
        for line in self.get(f"/compute/{machine}").split("\n"):
            if "Link:" in line and "/storage/" in line:
                parts = dict(part.strip().split("=", 1) for part in line.split(";")[1:])
                target = parts["occi.core.target"].strip('"')
                found.append((parts["self"].strip('"'), target))
        return found

    def delete(self, url: str) -> int:
        status: int = self.occi.send("DELETE", url, **self.headers).status_code
        return status
