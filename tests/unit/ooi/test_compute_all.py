# SPDX-License-Identifier: Apache-2.0
"""Machines together: lists in full and filtered, actions on all, delete of all."""

import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from ooi_ext import kinds
from ooi_ext.rendering import text
from tests.unit.ooi.cloud import ALICE, IMAGE_ID, Cloud, compute
from tests.unit.ooi.test_compute import BASE, act, attribute

JSON = {"Accept": "application/occi+json"}


def acted(cloud: Cloud) -> list[tuple[str, Any]]:
    """Return the servers and the bodies of all actions asked for."""
    return [
        (path.split("/")[2], asked)
        for _, path, asked in cloud.nova.requests
        if path.endswith("/action")
    ]


def upstream(cloud: Cloud) -> list[str]:
    return [r[1] for r in cloud.nova.requests + cloud.neutron.requests]


def test_a_list_in_full_costs_three_requests(cloud: Cloud) -> None:
    volume = str(uuid.uuid4())
    ids = [cloud.nova.add(name=f"vm-{i}") for i in range(20)]
    first = cloud.nova.servers[ids[0]]
    first["os-extended-volumes:volumes_attached"] = [{"id": volume}]
    port = cloud.neutron.add_port(ids[1])
    cloud.neutron.add_port(str(uuid.uuid4()))
    answer = cloud.send("GET", "/compute/", headers=JSON)
    found = json.loads(answer.body)["resources"]
    assert [resource["id"] for resource in found] == ids
    assert found[7]["title"] == "vm-7"
    assert kinds.RESOURCE_TEMPLATE + "1" in found[7]["mixins"]
    assert [link["id"] for link in found[0]["links"]] == [f"{ids[0]}_{volume}"]
    assert [link["id"] for link in found[1]["links"]] == [port]
    assert upstream(cloud) == ["/servers/detail", "/flavors/detail", "/v2.0/ports"]


def test_an_empty_list_in_full_costs_one_request(cloud: Cloud) -> None:
    answer = cloud.send("GET", "/compute/", headers=JSON)
    assert json.loads(answer.body)["resources"] == []
    assert upstream(cloud) == ["/servers/detail"]


def test_a_list_is_filtered(cloud: Cloud) -> None:
    cloud.nova.add(status="SHUTOFF")
    active = cloud.nova.add()
    headers = {
        "Content-Type": "text/occi",
        "X-OCCI-Attribute": 'occi.compute.state="active"',
    }
    answer = cloud.send("GET", "/compute/", headers=headers)
    assert answer.text == f"X-OCCI-Location: {BASE}{active}"


def test_the_ids_of_flavors_are_remembered_until_one_is_missing(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    for _ in range(3):
        cloud.send("GET", f"/compute/{server_id}")
    assert upstream(cloud).count("/flavors/detail") == 1
    new = {"id": "9", "name": "new", "vcpus": 1, "ram": 1, "disk": 1}
    cloud.nova.flavors = (*cloud.nova.flavors, new)
    cloud.nova.servers[server_id]["flavor"] = {"original_name": "new"}
    answer = cloud.send("GET", f"/compute/{server_id}")
    assert f'Category: 9; scheme="{kinds.RESOURCE_TEMPLATE}"' in answer.text
    assert upstream(cloud).count("/flavors/detail") == 2


def test_a_flavor_made_anew_is_found_after_a_while(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_id = cloud.nova.add()
    found = []
    for now, flavor_id in ((1000.0, "old"), (1299.0, "new"), (1301.0, "new")):
        flavor = {**cloud.nova.flavors[0], "id": flavor_id}
        cloud.nova.flavors = (flavor,)
        with monkeypatch.context() as patch:
            patch.setattr("time.monotonic", lambda now=now: now)
            text = cloud.send("GET", f"/compute/{server_id}").text
        found.append(f"Category: {flavor_id};" in text)
    assert found == [True, False, True]


def floating_ip(cloud: Cloud, server_id: str) -> tuple[str, str]:
    port = cloud.neutron.add_port(server_id)
    floating = cloud.neutron.add(
        "floatingips",
        port_id=port,
        floating_network_id=str(uuid.uuid4()),
        floating_ip_address="192.0.2.9",
        status="ACTIVE",
    )
    return port, floating


def test_a_floating_ip_is_shown_before_nova_knows_it(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    port, floating = floating_ip(cloud, server_id)
    cloud.send("GET", "/compute/", headers=JSON)
    before = len(upstream(cloud))
    read = text.parse_plain(cloud.send("GET", f"/compute/{server_id}").body, {})
    assert len(upstream(cloud)) - before == 3
    found = {dict(k.attributes).get("occi.core.id"): k for k in read.links}
    address = "occi.networkinterface.address"
    assert dict(found[floating].attributes)[address] == "192.0.2.9"
    assert dict(found[port].attributes)[address] == "10.0.0.5"


def test_a_first_show_costs_three_requests_too(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    floating_ip(cloud, server_id)
    cloud.send("GET", f"/compute/{server_id}")
    assert len(upstream(cloud)) == 3
    assert "192.0.2.9" in cloud.send("GET", f"/compute/{server_id}").text
    assert len(upstream(cloud)) == 6


def test_a_first_show_believes_nova(cloud: Cloud) -> None:
    addresses = {"net": [{"addr": "192.0.2.9", "OS-EXT-IPS:type": "floating"}]}
    server_id = cloud.nova.add(addresses=addresses)
    floating_ip(cloud, server_id)
    assert "192.0.2.9" in cloud.send("GET", f"/compute/{server_id}").text
    assert len(upstream(cloud)) == 4


def test_without_neutron_machines_are_shown_without_links(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    server_id = cloud.nova.add()
    cloud.neutron.add_port(server_id)
    cloud.neutron.down = ("",)
    for path, headers in ((f"/compute/{server_id}", {}), ("/compute/", JSON)):
        answer = cloud.send("GET", path, headers=headers)
        assert answer.status == 200
        assert server_id in answer.text
        assert "networkinterface" not in answer.text
    assert "code=links_left_out" in caplog.text


def test_without_floating_ips_the_ports_are_shown(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    server_id = cloud.nova.add()
    port, floating = floating_ip(cloud, server_id)
    cloud.send("GET", f"/compute/{server_id}")
    cloud.neutron.down = ("floatingips",)
    answer = cloud.send("GET", f"/compute/{server_id}")
    assert answer.status == 200
    assert port in answer.text and floating not in answer.text
    assert "code=links_left_out" in caplog.text


def test_delete_all_deletes_this_projects_alone(cloud: Cloud) -> None:
    cloud.environ = {"nova.context": ALICE}
    foreign = cloud.nova.add(tenant_id="another")
    ids = [cloud.nova.add() for _ in range(3)]
    answer = cloud.send("DELETE", "/compute/")
    assert (answer.status, answer.body) == (200, b"")
    assert list(cloud.nova.servers) == [foreign]
    assert upstream(cloud) == ["/servers/detail", *(f"/servers/{i}" for i in ids)]


def test_delete_all_of_nothing(cloud: Cloud) -> None:
    assert cloud.send("DELETE", "/compute/").status == 200


def test_delete_all_goes_on_after_a_failure(cloud: Cloud) -> None:
    ids = [cloud.nova.add() for _ in range(3)]
    cloud.nova.refuse("DELETE", f"/servers/{ids[0]}", 409, "it is locked")
    cloud.nova.refuse("DELETE", f"/servers/{ids[1]}", 404, "gone since")
    answer = cloud.send("DELETE", "/compute/")
    assert answer.status == 409
    assert f"1 of 3 machines were not deleted. The first is {ids[0]}" in answer.text
    assert "it is locked" in answer.text
    assert list(cloud.nova.servers) == ids[:2]


def test_addresses_go_with_their_machines(cloud: Cloud) -> None:
    addresses = {"net": [{"addr": "192.0.2.9", "OS-EXT-IPS:type": "floating"}]}
    ids = [cloud.nova.add(addresses=addresses) for _ in range(2)]
    cloud.nova.add()
    for server_id in ids:
        cloud.neutron.add("floatingips", description=f"occi:compute:{server_id}")
    kept = cloud.neutron.add("floatingips", description="mine")
    assert cloud.send("DELETE", "/compute/").status == 200
    assert [f["id"] for f in cloud.neutron.floatingips] == [kept]
    server_id = cloud.nova.add()
    cloud.neutron.add("floatingips", description=f"occi:compute:{server_id}")
    assert cloud.send("DELETE", f"/compute/{server_id}").status == 200
    assert [f["id"] for f in cloud.neutron.floatingips] == [kept]


def test_an_address_that_is_left_does_not_undo_a_delete(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.neutron.down = ("",)
    server_id = cloud.nova.add()
    assert cloud.send("DELETE", f"/compute/{server_id}").status == 200
    assert f"code=address_left servers={server_id}" in caplog.text


def test_an_action_on_all_goes_to_those_that_offer_it(cloud: Cloud) -> None:
    one, two = cloud.nova.add(), cloud.nova.add()
    cloud.nova.add(status="SHUTOFF")
    cloud.nova.add(status="ERROR")
    answer = cloud.send("POST", "/compute/?action=stop", act("stop"))
    assert (answer.status, answer.body) == (200, b"")
    assert acted(cloud) == [(one, {"os-stop": None}), (two, {"os-stop": None})]


def test_a_start_of_all_knows_how_each_stands(cloud: Cloud) -> None:
    states = {
        cloud.nova.add(status=status): asked
        for status, asked in (
            ("SHUTOFF", {"os-start": None}),
            ("PAUSED", {"unpause": None}),
            ("SUSPENDED", {"resume": None}),
        )
    }
    assert cloud.send("POST", "/compute/?action=start", act("start")).status == 200
    assert acted(cloud) == list(states.items())


def test_an_action_on_all_tells_what_failed(cloud: Cloud) -> None:
    ids = [cloud.nova.add() for _ in range(2)]
    cloud.nova.refuse("POST", f"/servers/{ids[0]}/action", 409, "it is locked")
    answer = cloud.send("POST", "/compute/?action=stop", act("stop"))
    assert answer.status == 409
    assert "1 of 2 machines were not acted on (stop)" in answer.text
    assert len(acted(cloud)) == 2


def saved(cloud: Cloud, *more: str, status: str = "ACTIVE") -> Any:
    server_id = cloud.nova.add(name="web", status=status)
    lines = (attribute(*line.split("=")) for line in more)
    answer = cloud.send(
        "POST", f"/compute/{server_id}?action=save", act("save", *lines)
    )
    return SimpleNamespace(id=server_id, answer=answer)


@pytest.mark.parametrize("method", ["method=hot", None])
def test_save_answers_with_the_new_template(cloud: Cloud, method: str | None) -> None:
    done = saved(cloud, "name=golden", *([method] if method else []))
    assert done.answer.status == 200
    (mixin,) = text.parse_plain(done.answer.body, {}).categories
    assert (mixin.scheme, mixin.title) == (kinds.OS_TEMPLATE, "golden")
    assert str(uuid.UUID(mixin.term)) == mixin.term
    assert isinstance(mixin, kinds.Mixin)
    assert mixin.location == f"http://cloud.example.org/occi1.1/os_tpl/{mixin.term}/"
    assert mixin.depends == (kinds.OS_TPL.identifier,)
    wanted = {"createImage": {"name": "golden", "metadata": {}}}
    assert acted(cloud) == [(done.id, wanted)]


def test_save_finds_a_name(cloud: Cloud) -> None:
    assert saved(cloud).answer.status == 200
    ((_, asked),) = acted(cloud)
    assert asked["createImage"]["name"].startswith("web 20")


@pytest.mark.parametrize(("state", "status"), [("SHUTOFF", 200), ("ACTIVE", 400)])
def test_a_deferred_save_is_one_of_a_stopped_machine(
    cloud: Cloud, state: str, status: int
) -> None:
    answer = saved(cloud, "method=deferred", status=state).answer
    assert answer.status == status
    assert len(acted(cloud)) == (status == 200)
    assert ('method="hot"' in answer.text) == (status == 400)


def test_save_of_all(cloud: Cloud) -> None:
    for _ in range(2):
        cloud.nova.add()
    answer = cloud.send("POST", "/compute/?action=save", act("save"))
    assert len(text.parse_plain(answer.body, {}).categories) == 2


def test_a_saved_template_is_offered_at_once(cloud: Cloud) -> None:
    cloud.set(cache_seconds=60)
    cloud.environ = {"nova.context": ALICE}
    cloud.send("GET", "/-/")
    saved(cloud)
    cloud.glance.images({"id": IMAGE_ID, "name": "the new one"})
    assert "the new one" in cloud.send("GET", "/-/").text


def test_a_name_of_two_lines_is_refused(cloud: Cloud) -> None:
    answer = saved(cloud, r"name=a\nb").answer
    assert answer.status == 400
    assert acted(cloud) == []


def test_a_zone_of_choice(cloud: Cloud) -> None:
    cloud.nova.zones = ("north", "Rack 1")
    read = text.parse_plain(cloud.send("GET", "/-/").body, {}).categories
    zones = [c.term for c in read if c.scheme == kinds.ZONE_TEMPLATE]
    for term, name in zip(zones, cloud.nova.zones, strict=True):
        line = f'Category: {term}; scheme="{kinds.ZONE_TEMPLATE}"; class="mixin"'
        assert cloud.send("POST", "/compute/", compute(line)).status == 201
        asked = cloud.nova.requests[-1][2]["server"]
        assert asked["availability_zone"] == name
    line = f'Category: x-x0; scheme="{kinds.ZONE_TEMPLATE}"; class="mixin"'
    line = line.replace("x-x0", "x-x00000000")
    answer = cloud.send("POST", "/compute/", compute(line))
    assert answer.status == 400
    assert '"x-x00000000"' in answer.text


def test_a_nova_without_dotted_hostnames_gets_the_first_part(cloud: Cloud) -> None:
    cloud.nova.ceiling = "2.93"
    body = compute(attribute("occi.compute.hostname", "vm.example.org"))
    assert cloud.send("POST", "/compute/", body).status == 201
    asked = cloud.nova.requests[-1][2]["server"]
    assert (asked["hostname"], asked["name"]) == ("vm", "vm.example.org")


def test_a_share_is_not_to_be_had(cloud: Cloud) -> None:
    body = compute("X-OCCI-Attribute: occi.compute.share=200")
    answer = cloud.send("POST", "/compute/", body)
    assert answer.status == 400
    assert "occi.compute.share" in answer.text
