# SPDX-License-Identifier: Apache-2.0
"""The clients of the federation from their first request to their last.

Each test is one program: its headers, the order and syntax of its lines, what
it reads from an answer and how. Single requests of theirs stand in test_occi
and the tests of each family. Read `test_rocci_cli` first.
"""

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.functional import occi_networks
from tests.functional.occi_clients import POOLS, Im, Rocci, model, path
from tests.functional.occi_endpoint import Occi
from tests.functional.occi_everything import everything, tidy
from tests.functional.occi_networks import until, written
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask


@pytest.fixture
def occi(lab_env: dict[str, str], token_for: Callable[[str], str]) -> Iterator[Occi]:
    found = occi_networks.user(lab_env, token_for("alice"))
    with tidy(found):
        yield found


@pytest.fixture
def erin(lab_env: dict[str, str], token_for: Callable[..., str]) -> Iterator[Occi]:
    """A user in a project of her own: the probe deletes all that it holds."""
    found = occi_networks.user(lab_env, token_for("erin", "fedcloud.egi.eu"))
    with tidy(found):
        yield found


def test_rocci_cli(occi: Occi, lab: Lab, unique: str) -> None:
    rocci = Rocci(occi)
    # It looks for Keystone without a token, then asks for the model twice.
    stranger = requests.get(
        f"{occi.endpoint}/-/", headers=ask.ROCCI.headers, timeout=60
    )
    assert stranger.status_code == 401
    said = stranger.headers["WWW-Authenticate"]
    assert re.fullmatch(r"""(Keystone|snf-auth) uri=("|')(.+)("|')""", said)
    offered = rocci.get("/-/")
    assert rocci.get("/-/") == offered
    categories = model(offered)
    assert {"compute", "storage", "network", "ipreservation", "securitygroup"} <= {
        c["term"] for c in categories if c["class"] == "kind" and c["location"]
    }
    (pool,) = (c["term"] for c in categories if c["scheme"] == POOLS)
    mixin = f'Category: {pool};scheme="{POOLS}";class="mixin"'

    # create --resource storage, ipreservation, securitygroup
    title = f'X-OCCI-Attribute: occi.core.title="{unique}"'
    disk = rocci.create("storage", title, "X-OCCI-Attribute: occi.storage.size=1.0")
    address = rocci.create("ipreservation", mixin, title)
    rules = (
        '[{\\"type\\": \\"inbound\\", \\"protocol\\": \\"tcp\\", \\"port\\": \\"22\\"}]'
    )
    group = rocci.create(
        "securitygroup", title, f'X-OCCI-Attribute: occi.securitygroup.rules="{rules}"'
    )
    assert "X-OCCI-Attribute: occi.ipreservation.used=false" in rocci.get(address)

    # create --resource compute --link /network/ID --context public_key, user_data
    network = next(
        url
        for url in rocci.listed("network")
        if 'occi.core.title="private"' in rocci.get(url)
    )
    linked = ask.rocci_link(network.rpartition("/")[2])
    machine = occi.create(
        ask.ROCCI.body(occi.image, occi.flavor) + linked, **rocci.headers
    )
    assert machine in rocci.listed("compute")
    text = occi.wait(machine, "active")
    assert "; self=" in text and f"<{network}>" in text

    # describe --resource compute: the list, and each of it
    for url in rocci.listed("compute"):
        assert rocci.get(path(url).removeprefix("/occi1.1")).startswith("Category: ")

    # trigger
    for action, attributes, state in (
        ("stop", {}, "inactive"),
        ("start", {}, "active"),
        ("restart", {"method": "cold"}, "active"),
        ("suspend", {}, "suspended"),
        ("start", {}, "active"),
    ):
        wanted = f"action={action}>"
        until(lambda w=wanted: w in rocci.get(machine), f"no {action}")
        assert rocci.trigger(machine, action, **attributes) == ""
        occi.wait(machine, state)

    # link, describe, unlink
    until(lambda: 'state="online"' in rocci.get(disk), "not online")
    links = {
        "storagelink": rocci.link("storagelink", machine, disk),
        "networkinterface": rocci.link("networkinterface", machine, address),
        "securitygrouplink": rocci.link("securitygrouplink", machine, group),
    }
    assert "X-OCCI-Attribute: occi.ipreservation.used=true" in rocci.get(address)
    for kind, link in links.items():
        # The agent that would wire a public address is not in the lab.
        wanted = "address=" if kind == "networkinterface" else 'state="active"'
        line = f"X-OCCI-Attribute: occi.{kind}.{wanted}"
        until(
            lambda url=link, text=line: text in occi.send("GET", url).text,
            f"{kind} is not active",
        )
        shown = rocci.get(link)
        assert f'X-OCCI-Attribute: occi.core.source="{machine}"' in shown
        assert link in rocci.listed(kind)
    text = rocci.get(machine)
    for kind in ("storagelink", "networkinterface"):
        assert f'self="{links[kind]}"' in text
    for link in links.values():
        rocci.delete(link)
        rocci.gone(link)
    assert "X-OCCI-Attribute: occi.ipreservation.used=false" in rocci.get(address)

    # trigger save: it prints the mixin that comes back
    until(lambda: "action=save>" in rocci.get(machine), "no save")
    saved = model(rocci.trigger(machine, "save", method="hot", name=unique))
    glance = f"{lab.settings.url('glance')}/v2/images/{saved[0]['term']}"
    headers = {"X-Auth-Token": occi.token}
    assert requests.delete(glance, headers=headers, timeout=60).status_code == 204

    # update --resource URI --mixin resource_tpl#TERM
    (larger,) = (str(c["term"]) for c in categories if c["title"] == "Flavor: m1.small")
    until(lambda: "action=stop>" in rocci.get(machine), "still being saved")
    answer = occi.send(
        "POST", machine, ask.rocci_update(offered, larger), **rocci.headers
    )
    assert answer.status_code == 200, answer.text
    until(
        lambda: "X-OCCI-Attribute: occi.compute.memory=2.0" in rocci.get(machine),
        "not resized",
    )

    for url in (machine, disk, address, group):
        rocci.delete(url)
        rocci.gone(url)


def test_im(occi: Occi) -> None:
    # HEAD is how it finds out, before each request, whether its token is good.
    stranger = requests.head(f"{occi.endpoint}/-/", timeout=60)
    assert stranger.status_code == 401
    said = stranger.headers["www-authenticate"]
    assert said.startswith("Keystone uri")
    uri = said.split("=")[1].replace("'", "").replace("/v2.0", "").replace("/v3", "")
    assert re.fullmatch(r"https://[^/]+", uri)
    im = Im(occi)
    assert occi.send("HEAD", "/-/", **im.headers).status_code == 200

    # Launch with a disk; the schemes are found by the words in a line.
    for term, word in ((occi.image, "os_tpl"), (occi.flavor, "resource_tpl")):
        lines = [
            line
            for line in im.offered.split("\n")
            if line.find(f"Category: {term};") != -1 and line.find(word) != -1
        ]
        assert len(lines) == 1
    disk = im.volume()
    body = ask.IM.body(occi.image, occi.flavor) + ask.im_volume(disk, im.prefix)
    machine = im.post("/compute/", body.decode())
    text = occi.wait(f"/compute/{machine}", "active")
    ((name, inside, _),) = occi_networks.im_addresses(text)
    assert name == "0" and inside.startswith("10.0.")

    # A public address: the network by its name, the pool by chance from the list.
    names = [url.rpartition("/")[2] for url in im.get("/network/").split("\n")]
    (public,) = (n for n in names if n in ("public", "PUBLIC", "floating"))
    pools = [
        line.split(";")[0].removeprefix("Category: ")
        for line in im.offered.split("\n")
        if POOLS in line
    ]
    im.post(
        im.location("networkinterface"),
        f'Category: networkinterface;scheme="{ask.INFRA}";class="kind"\n'
        f'Category: {pools[0]};scheme="{POOLS}";class="mixin"\n'
        f'X-OCCI-Attribute: occi.core.id="imnet.{uuid.uuid4()}"\n'
        f'X-OCCI-Attribute: occi.core.target="{im.prefix}/network/{public}"\n'
        f'X-OCCI-Attribute: occi.core.source="{im.prefix}/compute/{machine}"',
    )
    until(
        lambda: any(
            address.startswith("172.24.4.")
            for _, address, _ in occi_networks.im_addresses(
                im.get(f"/compute/{machine}")
            )
        ),
        "no public address",
    )

    # A second disk, at the place that the query interface names.
    second = im.volume()
    im.post(
        im.location("storagelink"),
        f'Category: storagelink;scheme="{ask.INFRA}";class="kind"\n'
        f'X-OCCI-Attribute: occi.core.id="imdisk.{uuid.uuid4()}"\n'
        f'X-OCCI-Attribute: occi.core.target="{im.prefix}/storage/{second}"\n'
        f'X-OCCI-Attribute: occi.core.source="{im.prefix}/compute/{machine}"\n'
        'X-OCCI-Attribute: occi.storagelink.deviceid="/dev/vdc"',
    )
    until(lambda: len(im.storage_links(machine)) == 2, "no second disk")

    # To stop is to suspend, in its words.
    for action, state in (
        ("suspend", "suspended"),
        ("start", "active"),
        ("restart", "active"),
    ):
        im.act(machine, action)
        occi.wait(f"/compute/{machine}", state)
    until(lambda: "action=stop>" in im.get(f"/compute/{machine}"), "still restarting")

    # Finalize: each link until it is gone, the machine, the disks while they are
    # said to be in use.
    links = im.storage_links(machine)
    assert sorted(path(target) for _, target in links) == sorted(
        f"{im.prefix}/storage/{one}" for one in (disk, second)
    )
    for link, _ in links:
        until(lambda url=link: im.delete(url) == 404, f"{link} is there")
    assert im.delete(f"/compute/{machine}") in (200, 204)
    for _, target in links:
        until(lambda url=target: im.delete(url) in (200, 204, 404), "in use for ever")
    until(lambda: im.delete(f"/compute/{machine}") == 404, "the machine is there")
    for _, target in links:
        until(lambda url=target: im.delete(url) == 404, "the disk is there")


def test_jocci(occi: Occi, unique: str) -> None:
    headers = written(ask.JOCCI.headers)

    def get(place: str) -> str:
        answer = occi.send("GET", place, **headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    categories = model(get("/-/"))
    # It refuses a kind without a location.
    places = {c["term"]: c["location"] for c in categories if c["class"] == "kind"}
    assert all(places.values())
    parents = {c["term"]: c["rel"] for c in categories if c["class"] == "kind"}
    assert parents["compute"] == f"{ask.SCHEMA}/core#resource"
    # list() asks for the root, list(kind) for its location.
    everywhere = get("/")
    body = ask.JOCCI.body(occi.image, occi.flavor).replace(b"jocci", unique.encode())
    answer = occi.send("POST", "/compute/", body, **headers)
    assert answer.status_code == 201
    machine = answer.headers["Location"]
    for text in (get("/"), get(str(places["compute"]))):
        locations = [
            line.removeprefix("X-OCCI-Location: ") for line in text.split("\n")
        ]
        assert machine in locations
    assert machine not in everywhere
    occi.wait(machine, "active")

    # A full update at the location of the kind, with what was read.
    shown = get(machine)
    place = f"{places['compute']}{machine.rpartition('/')[2]}"
    changed = shown.replace(f'title="{unique}"', 'title="other"')
    answer = occi.send("PUT", place, changed.encode(), **headers)
    assert (answer.status_code, answer.text) == (200, changed)
    stop = ask.rocci_action("stop", method="poweroff")
    answer = occi.send("POST", f"{machine}?action=stop", stop, **headers)
    assert answer.status_code == 200, answer.text
    occi.wait(machine, "inactive")

    # Storage and its link, made and taken away.
    disk = occi.send(
        "POST",
        str(places["storage"]),
        f'Category: storage;scheme="{ask.INFRA}";class="kind"\n'
        "X-OCCI-Attribute: occi.storage.size=1.0\n".encode(),
        **headers,
    ).headers["Location"]
    until(lambda: 'state="online"' in get(disk), "not online")
    answer = occi.send(
        "POST",
        str(places["storagelink"]),
        f'Category: storagelink;scheme="{ask.INFRA}";class="kind"\n'
        f'X-OCCI-Attribute: occi.core.source="{machine}"\n'
        f'X-OCCI-Attribute: occi.core.target="{disk}"\n'.encode(),
        **headers,
    )
    assert answer.status_code == 201, answer.text
    link = answer.headers["Location"]
    until(lambda: link in get(str(places["storagelink"])), "not linked")
    for url in (link, machine, disk):
        until(
            lambda one=url: (
                occi.send("DELETE", one, **headers).status_code in (200, 204)
            ),
            f"{url} cannot be deleted",
        )
        until(lambda one=url: occi.send("GET", one).status_code == 404, "is there")


def test_the_nagios_probe(erin: Occi) -> None:
    headers = written(ask.PROBE.headers)
    categories = model(erin.send("GET", "/-/", **headers).text)
    offered = {f"{c['scheme']}{c['term']}" for c in categories}
    for term in ("compute", "network", "storage", "os_tpl", "resource_tpl"):
        assert f"{ask.INFRA}{term}" in offered
    assert {f"{ask.PUBLIC_KEY}public_key", f"{ask.USER_DATA}user_data"} <= offered

    # It begins with the end of all machines, however many there are.
    erin.create(ask.PROBE.body(erin.image, erin.flavor), **headers)
    for _ in range(2):
        assert erin.send("DELETE", "/compute/", **headers).status_code == 200
    until(lambda: erin.listed() == [], "machines are left")
    answer = erin.send(
        "POST", "/compute/", ask.PROBE.body(erin.image, erin.flavor), **headers
    )
    assert answer.status_code == 201
    machine = path(answer.headers["Location"]).removeprefix("/occi1.1")
    states = []

    def active() -> bool:
        shown = erin.send("GET", machine, **headers)
        assert shown.status_code == 200
        found = re.findall(
            r'^X-OCCI-Attribute: occi\.compute\.state="(\w+)"$', shown.text, re.M
        )
        states.extend(found)
        return found == ["active"]

    until(active, "not active")
    assert set(states) <= {"inactive", "active"}
    assert erin.send("DELETE", machine, **headers).status_code == 200
    until(lambda: erin.send("GET", machine).status_code == 404, "is there")


def test_whole_collections_go(erin: Occi) -> None:
    """What a client's clean-up does, kind by kind, in the project alone."""
    rocci = Rocci(erin)
    others = {
        url
        for url in everything(erin)
        if "/network/" in url or "/securitygroup/" in url
    }
    disk = rocci.create("storage", "X-OCCI-Attribute: occi.storage.size=1.0")
    rocci.create("ipreservation")
    machine = occi_networks.running(erin)
    rocci.create("network")
    rocci.create("securitygroup")
    until(lambda: 'state="online"' in rocci.get(disk), "not online")
    link = rocci.link("storagelink", machine, disk)
    until(lambda: link in rocci.listed("storagelink"), "not linked")
    # A disk in use keeps all of them.
    assert erin.send("DELETE", "/storage/", **rocci.headers).status_code == 409
    assert disk in rocci.listed("storage")
    for kind in (
        "storagelink",
        "networkinterface",
        "compute",
        "storage",
        "ipreservation",
        "network",
        "securitygroup",
    ):
        own = set(rocci.listed(kind)) - others
        assert own, kind
        rocci.delete(f"/{kind}/")
        until(
            lambda place=kind: not set(rocci.listed(place)) - others,
            f"{kind} is there",
        )
