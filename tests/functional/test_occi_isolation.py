# SPDX-License-Identifier: Apache-2.0
"""Two projects at one endpoint: alice in dteam, erin in fedcloud.egi.eu.

That a single entity of the other's is 404 stands in the tests of each family.
Here is what reaches further: collections, filters, links between the two,
actions on all. Read `hers` first.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.functional import occi_networks
from tests.functional.occi_endpoint import Occi
from tests.functional.occi_everything import KINDS, behind, everything, tidy
from tests.functional.occi_networks import interface, made, until
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask
from tests.unit.ooi.cinder_cloud import storage
from tests.unit.ooi.neutron_site import IP_NETWORK, attribute, kind, pool

TITLE = "of alice's alone"
ACTIONS = {
    "compute": ("start", "stop", "restart", "suspend", "save"),
    "network": ("up", "down"),
    "storage": ("online", "offline", "snapshot", "resize"),
}


@pytest.fixture(scope="module")
def alice(lab_env: dict[str, str], token_for: Callable[..., str]) -> Occi:
    return occi_networks.user(lab_env, token_for("alice"))


@pytest.fixture(scope="module")
def hers(alice: Occi) -> Iterator[dict[str, str]]:
    """Return one entity of each kind, by its kind."""
    with tidy(alice):
        title = attribute("occi.core.title", TITLE)
        body = ask.PROBE.body(alice.image, alice.flavor)
        machine = alice.create(body.replace(b"occi-probe", TITLE.encode(), 1))
        alice.wait(machine, "active")
        disk = alice.send("POST", "/storage/", storage(title).encode())
        found = {
            "compute": machine,
            "storage": disk.headers["Location"],
            "ipreservation": made(
                alice, "/ipreservation/", kind("ipreservation"), title
            ),
            "securitygroup": made(
                alice, "/securitygroup/", kind("securitygroup"), title
            ),
        }
        until(
            lambda: 'state="online"' in alice.send("GET", found["storage"]).text,
            "not online",
        )
        for name, target in (
            ("networkinterface", "ipreservation"),
            ("storagelink", "storage"),
            ("securitygrouplink", "securitygroup"),
        ):
            found[name] = made(alice, f"/{name}/", *link(name, machine, found[target]))
            until(
                lambda url=found[name]: alice.send("GET", url).status_code == 200,
                "not linked",
            )
        found["network"] = made(
            alice,
            "/network/",
            kind("network", IP_NETWORK),
            title,
            attribute("occi.network.address", "192.168.93.0/24"),
        )
        assert set(found) == set(KINDS)
        assert set(found.values()) <= everything(alice)
        yield found


@pytest.fixture
def erin(lab_env: dict[str, str], token_for: Callable[..., str]) -> Iterator[Occi]:
    found = occi_networks.user(lab_env, token_for("erin", "fedcloud.egi.eu"))
    with tidy(found):
        yield found


@pytest.fixture
def untouched(alice: Occi, hers: dict[str, str], lab: Lab) -> Iterator[None]:
    """Compare all of alice's before and after, as she sees it."""
    before = {url: alice.send("GET", url).text for url in hers.values()}
    whole = behind(alice, lab)
    yield
    assert {url: alice.send("GET", url).text for url in hers.values()} == before
    assert behind(alice, lab) == whole


def link(name: str, source: str, target: str) -> tuple[str, ...]:
    return (
        kind(name),
        attribute("occi.core.source", source),
        attribute("occi.core.target", target),
    )


def test_no_collection_holds_another_project_s(
    erin: Occi, alice: Occi, hers: dict[str, str], untouched: None
) -> None:
    own = erin.send("POST", "/storage/", storage().encode()).headers["Location"]
    mixins = ("os_tpl", "resource_tpl", "ipnetwork", "floatingippool/public")
    mixins += ("ipnetworkinterface", f"os_tpl/{alice.image}")
    mixins += (f"resource_tpl/{alice.flavor}", "availability_zone/nova")
    places = ("", *(f"{p}/" for p in (*KINDS, *mixins, "entity", "resource", "link")))
    title = attribute("occi.core.title", TITLE).partition(": ")[2]
    for place in places:
        plain = erin.send("GET", f"/{place}", Accept="text/uri-list")
        assert plain.status_code == 200, plain.text
        assert not set(plain.text.split()) & set(hers.values())
        in_full = erin.send("GET", f"/{place}", Accept="application/occi+json").text
        assert not [url for url in hers.values() if url.rpartition("/")[2] in in_full]
        assert TITLE not in in_full
        found = erin.send("GET", f"/{place}", X_OCCI_Attribute=title)
        assert (found.status_code, found.text) == (200, "")
    # And the other way round.
    assert own in everything(erin)
    assert own not in everything(alice)


def test_no_action_reaches_another_project_s(
    erin: Occi, hers: dict[str, str], untouched: None
) -> None:
    for name, actions in ACTIONS.items():
        scheme = f"{ask.SCHEMA}/infrastructure/{name}/action#"
        for action in actions:
            body = f'Category: {action}; scheme="{scheme}"; class="action"'
            if action == "resize":
                body += "\nX-OCCI-Attribute: size=9.0"
            answer = erin.send("POST", f"{hers[name]}?action={action}", body.encode())
            assert answer.status_code == 404, answer.text
            if action != "save":
                answer = erin.send("POST", f"/{name}/?action={action}", body.encode())
                assert answer.status_code == 200, answer.text
    body = f"X-OCCI-Location: {hers['compute']}".encode()
    answer = erin.send("POST", f"/resource_tpl/{erin.flavor}/", body)
    assert answer.status_code == 404, answer.text
    for place in ("os_tpl", f"os_tpl/{erin.image}", "user_data"):
        for method in ("POST", "PUT"):
            answer = erin.send(method, f"/{place}/", body)
            assert answer.status_code == 400, answer.text


def test_no_end_of_all_reaches_another_project_s(erin: Occi, untouched: None) -> None:
    for name in KINDS:
        assert erin.send("DELETE", f"/{name}/").status_code == 200
    for place in ("os_tpl", f"resource_tpl/{erin.flavor}", "ipnetwork"):
        assert erin.send("DELETE", f"/{place}/").status_code in (200, 400)


def test_no_link_joins_two_projects(
    erin: Occi, hers: dict[str, str], lab: Lab, untouched: None
) -> None:
    machine = occi_networks.running(erin)
    disk = erin.send("POST", "/storage/", storage().encode()).headers["Location"]
    until(lambda: 'state="online"' in erin.send("GET", disk).text, "not online")
    group = made(erin, "/securitygroup/", kind("securitygroup"))
    before = behind(erin, lab)
    for name, source, target in (
        ("storagelink", machine, hers["storage"]),
        ("storagelink", hers["compute"], disk),
        ("storagelink", hers["compute"], hers["storage"]),
        ("networkinterface", machine, hers["network"]),
        ("networkinterface", machine, hers["ipreservation"]),
        ("networkinterface", hers["compute"], "/network/PUBLIC"),
        ("securitygrouplink", machine, hers["securitygroup"]),
        ("securitygrouplink", hers["compute"], group),
    ):
        body = "\n".join(link(name, source, target)).encode()
        answer = erin.send("POST", f"/{name}/", body)
        assert answer.status_code == 400, (name, answer.text)
    body = "\n".join(interface(hers["compute"], "/network/x", pool("public"))).encode()
    assert erin.send("POST", "/networkinterface/", body).status_code == 400
    assert behind(erin, lab) == before


def test_no_machine_begins_with_another_project_s(
    erin: Occi, hers: dict[str, str], untouched: None
) -> None:
    before = everything(erin)
    for name, category in (
        ("storage", "storagelink"),
        ("network", "networkinterface"),
        ("ipreservation", "networkinterface"),
        ("securitygroup", "securitygrouplink"),
    ):
        inline = (
            f'\nLink: <{hers[name]}>; rel="{ask.INFRA}{name}"; '
            f'category="{ask.INFRA}{category}"'
        )
        body = ask.ROCCI.body(erin.image, erin.flavor) + inline.encode()
        answer = erin.send("POST", "/compute/", body)
        if answer.status_code == 201:
            # Nova finds some of it when it builds; then there is no machine.
            url = answer.headers["Location"]
            erin.wait(url, "error")
            assert hers[name] not in erin.send("GET", url).text
            occi_networks.delete(erin, url)
        else:
            assert answer.status_code == 400, (name, answer.text)
        assert erin.nova("GET", "/os-keypairs")["keypairs"] == []
    assert everything(erin) == before


def test_images_and_keys_of_one_s_own(
    alice: Occi, erin: Occi, lab: Lab, unique: str
) -> None:
    glance = f"{lab.settings.url('glance')}/v2/images"
    headers = {"X-Auth-Token": alice.token}
    image: dict[str, Any] = {"name": unique, "disk_format": "raw"}
    image |= {"container_format": "bare", "visibility": "private"}
    own = requests.post(glance, json=image, headers=headers, timeout=60).json()["id"]
    binary = {**headers, "Content-Type": "application/octet-stream"}
    requests.put(f"{glance}/{own}/file", b"x", headers=binary, timeout=60)
    key = {"keypair": {"name": unique, "type": "ssh", "public_key": ask.KEY}}
    alice.nova("POST", "/os-keypairs", key)
    try:
        until(lambda: own in alice.send("GET", "/-/").text, "not offered")
        for accept in ("text/plain", "application/occi+json"):
            offered = erin.send("GET", "/-/", Accept=accept).text
            assert own not in offered and unique not in offered
        assert erin.send("GET", f"/os_tpl/{own}/").status_code == 404
        assert alice.send("GET", f"/os_tpl/{own}/").status_code == 200
        answer = erin.send("POST", "/compute/", ask.PROBE.body(own, erin.flavor))
        assert answer.status_code == 400, answer.text
        document = {
            "kind": f"{ask.INFRA}compute",
            "mixins": [
                f"{ask.OS}{erin.image}",
                f"{ask.SIZE}{erin.flavor}",
                f"{ask.PUBLIC_KEY}public_key",
            ],
            "attributes": {"org.openstack.credentials.publickey.name": unique},
        }
        answer = erin.send(
            "POST",
            "/compute/",
            json.dumps(document).encode(),
            Content_Type="application/occi+json",
        )
        assert answer.status_code == 400, answer.text
        assert erin.listed() == []
    finally:
        alice.nova("DELETE", f"/os-keypairs/{unique}")
        requests.delete(f"{glance}/{own}", headers=headers, timeout=60)
