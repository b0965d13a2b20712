# SPDX-License-Identifier: Apache-2.0
"""What the tests of OCCI's networks share: a user, a machine, requests, readings.

Owns: the requests of rOCCI, and how IM reads the interfaces of a machine.
Must never: hide an answer that a test did not ask for. A test module makes
fixtures of `alice`, `neutron_api` and `running`. Read `made` and `listed` first.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import requests

from tests.functional.occi_endpoint import Occi
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask
from tests.unit.ooi.neutron_site import attribute, kind

NETWORK_ACTION = f"{ask.SCHEMA}/infrastructure/network/action#"

# Neutron's own API, for the same user: method, path, body.
Neutron = Callable[..., Any]


def user(lab_env: dict[str, str], token: str) -> Occi:
    found = Occi(lab_env["OCCI_ENDPOINT"], token)
    offered = found.send("GET", "/-/")
    assert offered.status_code == 200, offered.text
    (found.image,) = re.findall(
        rf'^Category: (\S+); scheme="{ask.OS}"; class="mixin"; title="cirros"',
        offered.text,
        re.M,
    )
    (found.flavor,) = re.findall(
        rf'^Category: (\S+); scheme="{ask.SIZE}"; class="mixin"; '
        r'title="Flavor: m1\.nano"',
        offered.text,
        re.M,
    )
    return found


def alice(lab_env: dict[str, str], token_for: Callable[[str], str]) -> Iterator[Occi]:
    found = user(lab_env, token_for("alice"))
    yield found
    # Links were made after what they join.
    for url in reversed(found.made):
        delete(found, url)


def neutron_api(occi: Occi, lab: Lab) -> Neutron:
    """Return Neutron's own API, for the same user."""

    def call(method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method,
            f"{lab.settings.url('neutron')}/v2.0{path}",
            json=body,
            headers={"X-Auth-Token": occi.token},
            timeout=60,
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    return call


def running(occi: Occi) -> str:
    """Return the URL of a machine on the lab's one network."""
    url = occi.create(ask.PROBE.body(occi.image, occi.flavor))
    occi.wait(url, "active")
    return url


def until(found: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, what
        time.sleep(0.3)
    return value


def delete(occi: Occi, url: str) -> None:
    """Do as IM does: DELETE until there is nothing more."""

    def gone() -> bool:
        return occi.send("DELETE", url).status_code == 404

    until(gone, f"{url} is still there")


def made(occi: Occi, path: str, *lines: str) -> str:
    """Return the URL of what a request in rOCCI's form has made."""
    answer = occi.send(
        "POST", path, "\n".join(lines).encode(), **written(ask.ROCCI.headers)
    )
    assert answer.status_code == 201, answer.text
    assert answer.text == f"X-OCCI-Location: {answer.headers['Location']}"
    return answer.headers["Location"]


def written(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def listed(occi: Occi, path: str) -> list[str]:
    """Return the URLs of a collection, alike in text and in JSON."""
    plain = occi.send("GET", path, Accept="text/uri-list")
    assert plain.status_code == 200, plain.text
    whole = occi.send("GET", path, Accept="application/occi+json")
    assert whole.status_code == 200, whole.text
    ids = [entity["id"] for half in whole.json().values() for entity in half]
    assert ids == [url.rpartition("/")[2] for url in plain.text.split()]
    return plain.text.split()


def shown(occi: Occi, url: str) -> dict[str, str]:
    """Return the attributes of an entity, as they are written."""
    answer = occi.send("GET", url)
    answer.encoding = "utf-8"
    assert answer.status_code == 200, answer.text
    return dict(re.findall(r"^X-OCCI-Attribute: ([^=]+)=(.*)$", answer.text, re.M))


def act(name: str) -> bytes:
    return f'Category: {name};scheme="{NETWORK_ACTION}";class="action"'.encode()


def interface(machine: str, target: str, *more: str) -> tuple[str, ...]:
    """Return the lines that rOCCI sends to link a machine."""
    path = machine.partition("/compute/")[2]
    return (
        kind("networkinterface"),
        *more,
        attribute("occi.core.id", "7d0c1b8e-7e0f-4f9c-b8f8-5e5d0b1c7c11"),
        attribute("occi.core.source", f"/occi1.1/compute/{path}"),
        attribute("occi.core.target", target),
    )


def im_addresses(text: str) -> list[tuple[str, str, str]]:
    """Return name, address and link of each interface, as IM reads them."""
    found = []
    for line in text.split("\n"):
        if "Link:" not in line or "/network/" not in line:
            continue
        parts = (part.split("=") for part in line.split(";"))
        values = {p[0].strip(): p[1].strip('"') for p in parts if len(p) > 1}
        name = re.findall(r"\d+", values["occi.networkinterface.interface"])[0]
        found.append((name, values["occi.networkinterface.address"], values["self"]))
    return found
