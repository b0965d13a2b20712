# SPDX-License-Identifier: Apache-2.0
"""Names that others set, through Nova's and Glance's own APIs, in every rendering.

Those of Cinder's and Neutron's stand in the tests of storage and networks.
Read NAMES, then `test_names_set_through_nova`.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from ooi_ext.rendering import text
from tests.functional import occi_networks
from tests.functional.occi_endpoint import Occi
from tests.functional.occi_everything import tidy
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask

NAMES = (
    'a"; b, \\c; é ✓ 🐧 X-Evil: 1',
    'q", occi.core.id="evil',
    '"; class="kind"; location="http://e.org/"',
    "a\r\nX-Evil: 1\r\n\r\nX-Evil: 2",
    "</network/x>; rel=y",
    "\u2028\u2029\u0085\ufeff\u202e",
    "x" * 255,
)
SHOWN = ("text/plain", "text/occi", "text/occi+plain", "application/occi+json")


@pytest.fixture
def occi(lab_env: dict[str, str], token_for: Callable[[str], str]) -> Iterator[Occi]:
    found = occi_networks.user(lab_env, token_for("alice"))
    with tidy(found):
        yield found


def title_of(answer: requests.Response, accept: str) -> str:
    """Return the title as a client reads it."""
    if accept == "application/occi+json":
        return str(json.loads(answer.content)["title"])
    if accept == "text/occi":
        names = {k.lower(): v for k, v in answer.headers.items()}
        message = text.parse_headers(b"", names)
    else:
        message = text.parse_plain(answer.content, {})
    return str(dict(message.attributes)["occi.core.title"])


def whole(answer: requests.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert "X-Evil" not in answer.headers
    if answer.headers["Content-Type"].startswith("text/"):
        lines = answer.content.decode().split("\n")
        assert not [line for line in lines if line.startswith("X-Evil")]
        assert b"\r" not in answer.content


def test_names_set_through_nova(occi: Occi) -> None:
    url = occi.create(ask.PROBE.body(occi.image, occi.flavor))
    occi.wait(url, "active")
    path = f"{occi.endpoint.replace('/occi1.1', '/v2.1')}/servers/"
    path += url.rpartition("/")[2]
    lines = len(occi.send("GET", url).text.split("\n"))
    set_names = 0
    for name in NAMES:
        answer = requests.put(
            path,
            json={"server": {"name": name, "description": name}},
            headers={
                "X-Auth-Token": occi.token,
                "OpenStack-API-Version": "compute 2.96",
            },
            timeout=60,
        )
        if answer.status_code != 200:
            # What Nova does not take cannot come from there.
            assert answer.status_code == 400, answer.text
            continue
        set_names += 1
        for accept in SHOWN:
            shown = occi.send("GET", url, Accept=accept)
            whole(shown)
            assert title_of(shown, accept) == name
            whole(occi.send("GET", "/compute/", Accept=accept))
        plain = occi.send("GET", url).content.decode()
        # A summary more than the probe has, and no line else.
        assert len(plain.split("\n")) == lines + 1
    assert set_names >= 4


def test_names_of_images_and_flavors(
    occi: Occi, lab: Lab, client: Any, unique: str
) -> None:
    """Nova shows them in each machine, and the query interface in a title."""
    admin = Occi(occi.endpoint, client.admin_token())
    glance = f"{lab.settings.url('glance')}/v2/images"
    headers = {"X-Auth-Token": occi.token}
    images, flavors = [], []
    try:
        for number, name in enumerate(NAMES):
            image = {"name": name, "disk_format": "raw", "container_format": "bare"}
            made = requests.post(glance, json=image, headers=headers, timeout=60)
            # Its database has no room for what UTF-8 writes in four bytes.
            if made.status_code != 201:
                assert made.status_code == 400, made.text
                continue
            images.append(made.json()["id"])
            data = {**headers, "Content-Type": "application/octet-stream"}
            requests.put(f"{glance}/{images[-1]}/file", b"x", headers=data, timeout=60)
            flavor = {"name": f"{number}{unique}"[:8] + name, "vcpus": 1}
            flavor |= {"ram": 64, "disk": 1}
            made = requests.post(
                f"{occi.endpoint.replace('/occi1.1', '/v2.1')}/flavors",
                json={"flavor": flavor},
                headers={"X-Auth-Token": admin.token},
                timeout=60,
            )
            if made.status_code == 200:
                flavors.append(made.json()["flavor"]["id"])
            else:
                assert made.status_code == 400, made.text
        assert len(images) >= 5 and len(flavors) >= 3

        def offered() -> bool:
            text_now = occi.send("GET", "/-/").text
            return all(f"Category: {i};" in text_now for i in (*images, *flavors))

        # A template may be missing for as long as they are remembered.
        occi_networks.until(offered, "not offered")
        for accept in SHOWN:
            answer = occi.send("GET", "/-/", Accept=accept)
            whole(answer)
            if accept == "application/occi+json":
                titles = {m["term"]: m["title"] for m in answer.json()["mixins"]}
                assert set(images) <= set(titles)
            elif accept != "text/occi":
                for line in answer.content.decode().split("\n"):
                    # The characters that clients cut a line by.
                    assert line.startswith("Category: ")
                    title = line.partition('title="')[2].partition('"')[0]
                    assert not set(title) & set('\\;,"')
        parsed = text.parse_plain(occi.send("GET", "/-/").content, {})
        assert set(images) <= {c.term for c in parsed.categories}
        occi.image = images[3]
        url = occi.create(ask.PROBE.body(images[3], flavors[0]))
        occi.wait(url, "active")
        for accept in SHOWN:
            whole(occi.send("GET", url, Accept=accept))
    finally:
        for image_id in images:
            requests.delete(f"{glance}/{image_id}", headers=headers, timeout=60)
        for flavor_id in flavors:
            admin.nova("DELETE", f"/flavors/{flavor_id}")
