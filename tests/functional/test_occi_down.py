# SPDX-License-Identifier: Apache-2.0
"""One service down, or hanging: what goes on, and what the client is told.

That lists are 503 in each format stands in the tests of storage and networks,
and Glance's end in test_occi. Here are machines that touch what is down, and
requests that would make something. Read `without_cinder` first.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functional import occi_networks
from tests.functional.occi_endpoint import Occi
from tests.functional.occi_everything import tidy
from tests.functional.occi_networks import made, until
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask
from tests.unit.ooi.cinder_cloud import storage
from tests.unit.ooi.neutron_site import attribute, kind

NOWHERE = "00000000-0000-4000-8000-000000000000"
# What each format has for an error: Accept -> Content-Type.
FORMATS = {
    "text/plain": "text/plain",
    "text/occi": "text/occi",
    "text/occi+plain": "text/occi+plain",
    "text/uri-list": "text/plain",
    "application/occi+json": "application/occi+json",
}
# No answer may wait for a service that refuses connections.
AT_ONCE = 10
# [ooi] timeout_seconds of the lab.
PATIENCE = 20


@pytest.fixture(scope="module")
def occi(lab_env: dict[str, str], token_for: Callable[[str], str]) -> Iterator[Occi]:
    found = occi_networks.user(lab_env, token_for("alice"))
    with tidy(found):
        yield found


@pytest.fixture(scope="module")
def linked(occi: Occi) -> tuple[str, str, str]:
    """Return a machine, a disk, and the link between them."""
    machine = occi_networks.running(occi)
    disk = occi.send("POST", "/storage/", storage().encode()).headers["Location"]
    until(lambda: 'state="online"' in occi.send("GET", disk).text, "not online")
    link = made(
        occi,
        "/storagelink/",
        kind("storagelink"),
        attribute("occi.core.source", machine),
        attribute("occi.core.target", disk),
    )
    until(lambda: link in occi.send("GET", machine).text, "not linked")
    return machine, disk, link


@pytest.fixture(scope="module")
def all_again(lab: Lab, linked: tuple[str, str, str]) -> Iterator[None]:
    """Start what the tests of this module have stopped, after all of them."""
    yield
    for name in ("cinder", "neutron"):
        lab.start_service(name)


@pytest.fixture
def without_cinder(lab: Lab, all_again: None) -> None:
    # Whatever was stopped before, in whichever order the tests run.
    lab.start_service("neutron")
    lab.stop_service("cinder")


@pytest.fixture
def without_neutron(lab: Lab, all_again: None) -> None:
    lab.start_service("cinder")
    lab.stop_service("neutron")


def told(
    occi: Occi,
    method: str,
    url: str,
    service: str,
    body: bytes = b"",
    formats: Iterable[str] = FORMATS,
) -> None:
    """Assert that the answer names a service that is down, in each format."""
    for accept in formats:
        sort = FORMATS[accept]
        if accept == "text/uri-list" and not url.endswith("/"):
            # An entity is no list, whatever is down.
            continue
        answer = occi.send(method, url, body, Accept=accept)
        assert answer.status_code in (502, 503), (method, url, answer.text)
        # A Nova that fails for want of another service is 502.
        assert answer.status_code == 503 or service == "compute"
        assert answer.headers["Content-Type"] == f"{sort}; charset=utf-8"
        assert answer.headers["Server"] == "OCCI/1.2 OCCI/1.1"
        assert answer.elapsed.total_seconds() < AT_ONCE
        said = answer.text
        if sort == "text/occi":
            said = answer.headers["X-OCCI-Error"]
        if sort == "application/occi+json":
            assert answer.json()["error"]["code"] == answer.status_code
            said = answer.json()["error"]["message"]
        assert said.startswith(f"The {service} service"), said
        # Where it should have been is nobody's business.
        assert not [w for w in ("127.0.0.1", "Errno", "<class") if w in said], said


def test_storage_is_503_without_cinder(
    occi: Occi, linked: tuple[str, str, str], without_cinder: None
) -> None:
    _, disk, link = linked
    told(occi, "GET", "/storage/", "block-storage")
    told(occi, "GET", "/storagelink/", "block-storage")
    # A part of all would look like the whole.
    for place in ("/", "/resource/", "/link/"):
        told(occi, "GET", place, "block-storage")
    for method, url, body in (
        ("GET", disk, b""),
        ("PUT", disk, storage().encode()),
        ("POST", disk, attribute("occi.core.title", "x").encode()),
        ("POST", "/storage/", storage().encode()),
        ("DELETE", disk, b""),
        ("DELETE", "/storage/", b""),
        ("DELETE", "/storagelink/", b""),
        ("GET", link, b""),
    ):
        answer = occi.send(method, url, body)
        assert answer.status_code == 503, (method, url, answer.text)
        assert "block-storage" in answer.text


def test_machines_go_on_without_cinder(
    occi: Occi, linked: tuple[str, str, str], without_cinder: None
) -> None:
    machine, _, link = linked
    # Nova knows what is attached.
    assert f'self="{link}"' in occi.send("GET", machine).text
    for accept in FORMATS:
        assert occi.send("GET", "/compute/", Accept=accept).status_code == 200
    assert occi.send("GET", "/-/").status_code == 200
    assert occi.send("GET", "/network/").status_code == 200
    other = occi.create(ask.ROCCI.body(occi.image, occi.flavor))
    occi.wait(other, "active")
    for action, state in (("stop", "inactive"), ("start", "active")):
        url = f"{other}?action={action}"
        answer = occi.send("POST", url, ask.rocci_action(action))
        assert answer.status_code == 200, answer.text
        occi.wait(other, state)
    changed = occi.send("POST", other, attribute("occi.core.title", "new").encode())
    assert changed.status_code == 200, changed.text
    occi_networks.delete(occi, other)


def test_no_machine_begins_with_a_disk_without_cinder(
    occi: Occi, linked: tuple[str, str, str], without_cinder: None
) -> None:
    before = occi.listed()
    volume = ask.im_volume(linked[1].rpartition("/")[2], "/occi1.1")
    body = ask.IM.body(occi.image, occi.flavor) + volume
    answer = occi.send("POST", "/compute/", body, Accept="text/occi")
    assert answer.status_code in (502, 503), answer.text
    assert answer.headers["X-OCCI-Error"]
    assert occi.listed() == before
    assert occi.nova("GET", "/os-keypairs")["keypairs"] == []


def test_cinder_comes_back(
    occi: Occi, linked: tuple[str, str, str], lab: Lab, without_cinder: None
) -> None:
    lab.start_service("cinder")
    _, disk, link = linked
    assert occi.send("GET", link).status_code == 200
    assert disk in occi.send("GET", "/storage/").text


def test_networks_are_503_without_neutron(occi: Occi, without_neutron: None) -> None:
    for place in (
        "/network/",
        "/networkinterface/",
        "/ipreservation/",
        "/securitygroup/",
        "/securitygrouplink/",
        f"/network/{NOWHERE}",
        f"/ipreservation/{NOWHERE}",
    ):
        told(occi, "GET", place, "network")
    whole = occi.send("GET", "/", Accept="text/uri-list")
    assert (whole.status_code, "network" in whole.text) == (503, True)
    for name in ("network", "ipreservation", "securitygroup"):
        told(occi, "POST", f"/{name}/", "network", kind(name).encode())
        told(occi, "DELETE", f"/{name}/", "network")


def test_machines_go_on_without_neutron(
    occi: Occi, linked: tuple[str, str, str], without_neutron: None
) -> None:
    machine, disk, _ = linked
    server_id = machine.rpartition("/")[2]
    for accept in ("text/plain", "text/occi", "text/occi+plain", "text/uri-list"):
        answer = occi.send("GET", "/compute/", Accept=accept)
        assert answer.status_code == 200
        assert machine in answer.text + answer.headers.get("X-OCCI-Location", "")
    answer = occi.send("POST", f"{machine}?action=stop", ask.rocci_action("stop"))
    assert answer.status_code == 200, answer.text
    # Of Nova's own requests, this one alone works now.
    until(
        lambda: any(
            server["id"] == server_id
            for server in occi.nova("GET", "/servers?status=SHUTOFF")["servers"]
        ),
        "not stopped",
    )
    assert disk in occi.send("GET", "/storage/").text
    assert occi.send("GET", "/-/").status_code == 200


def test_nova_shows_no_machine_without_neutron(
    occi: Occi, linked: tuple[str, str, str], without_neutron: None
) -> None:
    """It wants the security groups; the client is told whose fault it is."""
    machine = linked[0]
    # Nova tries for some seconds.
    told(occi, "GET", machine, "compute", formats=("text/plain", "text/occi"))
    in_full = occi.send("GET", "/compute/", Accept="application/occi+json")
    assert in_full.status_code in (502, 503)
    assert in_full.json()["error"]["message"].startswith("The compute service")


def test_no_machine_is_made_without_neutron(occi: Occi, without_neutron: None) -> None:
    before = occi.listed()
    network = ask.rocci_link(NOWHERE)
    pool = network.replace(NOWHERE.encode(), b"PUBLIC")
    for more in (b"", network, pool):
        body = ask.ROCCI.body(occi.image, occi.flavor) + more
        answer = occi.send("POST", "/compute/", body, Accept="application/occi+json")
        assert answer.status_code in (502, 503), answer.text
        assert answer.json()["error"]["message"].startswith("The ")
    assert occi.listed() == before
    assert occi.nova("GET", "/os-keypairs")["keypairs"] == []


def test_a_service_that_hangs(occi: Occi, lab: Lab, all_again: None) -> None:
    for name in ("cinder", "neutron"):
        lab.start_service(name)
    (pid,) = (one.pid for one in lab.status() if one.name == "cinder")
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as pool:
            begin = time.monotonic()
            waits = pool.submit(occi.send, "GET", "/storage/")
            # The others' requests do not stand behind it.
            for place in ("/compute/", "/network/", "/-/"):
                answer = occi.send("GET", place)
                assert answer.status_code == 200, answer.text
                assert answer.elapsed.total_seconds() < AT_ONCE
            assert not waits.done()
            answer = waits.result(60)
        assert answer.status_code == 503
        assert "block-storage service does not answer" in answer.text
        assert PATIENCE - 1 < time.monotonic() - begin < 2 * PATIENCE
    finally:
        os.kill(pid, signal.SIGCONT)
    assert occi.send("GET", "/storage/").status_code == 200
