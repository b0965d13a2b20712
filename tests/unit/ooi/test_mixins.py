# SPDX-License-Identifier: Apache-2.0
"""The collections of mixins, and those that span kinds, through the filter."""

import json
from typing import Any

import pytest

from ooi_ext import kinds
from tests.unit.ooi.cloud import FLAVORS, IMAGE_ID, Cloud
from tests.unit.ooi.test_compute import BASE, act

ENDPOINT = "http://cloud.example.org/occi1.1"
ABSENT = "5f1a2d4e-0000-4000-8000-5c3b1f7a9e22"
URIS = {"Accept": "text/uri-list"}
JSON = {"Accept": "application/occi+json"}


@pytest.fixture(autouse=True)
def volumes(cloud: Cloud) -> None:
    """A Cinder without volumes."""
    empty = (200, b'{"volumes": []}')
    for path in ("/v3/volumes", "/v3/volumes/detail"):
        cloud.glance.pages[f"{path}?limit=1000"] = empty


def listed(cloud: Cloud, path: str) -> list[str]:
    answer = cloud.send("GET", path, headers=URIS)
    assert answer.status == 200, answer.text
    return answer.text.split()


def locations(*ids: str) -> str:
    return "\n".join(f"X-OCCI-Location: {BASE}{i}" for i in ids)


def changed(cloud: Cloud) -> list[Any]:
    return [(p, a) for m, p, a in cloud.nova.requests if m != "GET"]


def small(cloud: Cloud) -> str:
    flavor = {"original_name": "m1.small", "vcpus": 1, "ram": 2048}
    return cloud.nova.add(flavor=flavor)


@pytest.mark.parametrize("slash", ["", "/"])
def test_machines_by_template(cloud: Cloud, slash: str) -> None:
    tiny, larger = cloud.nova.add(), small(cloud)
    other = cloud.nova.add(image={"id": ABSENT})
    from_volume = cloud.nova.add(image="")
    everything = [BASE + i for i in (tiny, larger, other, from_volume)]
    assert listed(cloud, f"/os_tpl/{IMAGE_ID}{slash}") == everything[:2]
    assert listed(cloud, f"/os_tpl/{ABSENT}{slash}") == [BASE + other]
    assert listed(cloud, f"/os_tpl{slash}") == everything[:3]
    assert listed(cloud, f"/resource_tpl/2{slash}") == [BASE + larger]
    assert listed(cloud, f"/resource_tpl{slash}") == everything


def test_machines_by_zone_and_key(cloud: Cloud) -> None:
    zoned = cloud.nova.add(**{"OS-EXT-AZ:availability_zone": "nova"})
    keyed = cloud.nova.add(key_name="mine")
    assert listed(cloud, "/availability_zone/nova/") == [BASE + zoned]
    assert listed(cloud, "/availability_zone/") == [BASE + zoned]
    assert listed(cloud, "/public_key/") == [BASE + keyed]


@pytest.mark.parametrize("path", ["/user_data/", "/occi_user_data/", "/ssh_key/"])
def test_what_a_machine_never_shows_is_empty(cloud: Cloud, path: str) -> None:
    cloud.nova.add(key_name="mine")
    assert listed(cloud, path) == []


def test_a_template_that_nobody_uses_is_empty(cloud: Cloud) -> None:
    cloud.neutron.add("networks", name="public", **{"router:external": True})
    for path in (f"/os_tpl/{IMAGE_ID}", "/resource_tpl/1", "/availability_zone/nova"):
        assert listed(cloud, path) == []
    assert listed(cloud, "/floatingippool/public/") == []


@pytest.mark.parametrize(
    "path",
    [
        f"/os_tpl/{ABSENT}/",
        "/os_tpl/..",
        "/resource_tpl/none",
        "/availability_zone/none/",
        "/floatingippool/none/",
    ],
)
def test_a_template_that_is_not_there_is_404(cloud: Cloud, path: str) -> None:
    answer = cloud.send("GET", path)
    assert answer.status == 404
    assert path.strip("/").partition("/")[2] in answer.text


def test_a_collection_in_full_costs_three_requests(cloud: Cloud) -> None:
    ids = [cloud.nova.add() for _ in range(5)]
    small(cloud)
    port = cloud.neutron.add_port(ids[0])
    answer = cloud.send("GET", "/resource_tpl/1/", headers=JSON)
    found = json.loads(answer.body)["resources"]
    assert [resource["id"] for resource in found] == ids
    assert [link["id"] for link in found[0]["links"]] == [port]
    assert len(cloud.nova.requests + cloud.neutron.requests) == 3


def test_a_collection_is_filtered_and_paged(cloud: Cloud) -> None:
    ids = [cloud.nova.add() for _ in range(3)]
    cloud.nova.add(status="SHUTOFF")
    headers = {**URIS, "X-OCCI-Attribute": 'occi.compute.state="active"'}
    headers["Content-Type"] = "text/occi"
    path = f"/os_tpl/{IMAGE_ID}/?page=2&number=2"
    answer = cloud.send("GET", path, headers=headers)
    assert answer.text == BASE + ids[2]


def test_networks_by_mixin(cloud: Cloud) -> None:
    network = cloud.neutron.add("networks", name="inside", status="ACTIVE", subnets=[])
    cloud.neutron.add("networks", name="bare", status="ACTIVE", subnets=[])
    cloud.neutron.add(
        "subnets", network_id=network, cidr="10.0.0.0/24", ip_version=4, gateway_ip=None
    )
    assert listed(cloud, "/ipnetwork/") == [f"{ENDPOINT}/network/{network}"]


def test_interfaces_by_pool(cloud: Cloud) -> None:
    outside = {"router:external": True, "status": "ACTIVE", "subnets": []}
    pool = cloud.neutron.add("networks", name="public", **outside)
    port = cloud.neutron.add_port(cloud.nova.add())
    floating = cloud.neutron.add(
        "floatingips",
        port_id=port,
        floating_network_id=pool,
        floating_ip_address="192.0.2.9",
        status="ACTIVE",
    )
    both = [
        f"{ENDPOINT}/networkinterface/{floating}",
        f"{ENDPOINT}/ipreservation/{floating}",
    ]
    assert listed(cloud, "/floatingippool/public/") == both
    assert listed(cloud, "/floatingippool/") == both
    assert f"{ENDPOINT}/networkinterface/{port}" in listed(
        cloud, "/ipnetworkinterface/"
    )


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_size_is_given_to_machines(cloud: Cloud, method: str) -> None:
    cloud.set(wait_seconds=5)
    ids = [cloud.nova.add() for _ in range(2)]
    answer = cloud.send(method, "/resource_tpl/2/", locations(*ids))
    assert answer.status == 200
    assert answer.text == locations(*ids)
    resize, confirm = {"resize": {"flavorRef": "2"}}, {"confirmResize": None}
    actions = [f"/servers/{i}/action" for i in ids]
    assert changed(cloud) == [
        *((path, resize) for path in actions),
        *((path, confirm) for path in actions),
    ]


def test_a_size_cannot_be_taken(cloud: Cloud) -> None:
    one, two = small(cloud), small(cloud)
    for method, body in (
        ("PUT", locations(one)),
        ("DELETE", ""),
    ):
        answer = cloud.send(method, "/resource_tpl/2/", body)
        assert answer.status == 400
        assert "cannot be taken from" in answer.text
    assert cloud.send("PUT", "/resource_tpl/2/", locations(one, two)).status == 200
    assert changed(cloud) == []


def test_a_machine_that_is_not_there_gets_no_size(cloud: Cloud) -> None:
    own = cloud.nova.add()
    answer = cloud.send("POST", "/resource_tpl/2/", locations(own, ABSENT))
    assert answer.status == 404
    assert changed(cloud) == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("path", [f"/os_tpl/{IMAGE_ID}/", "/os_tpl/", "/resource_tpl/"])
def test_what_is_so_already_may_be_asked_for(
    cloud: Cloud, method: str, path: str
) -> None:
    server_id = cloud.nova.add()
    answer = cloud.send(method, path, locations(server_id))
    assert (answer.status, answer.text) == (200, locations(server_id))
    assert changed(cloud) == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    "path", ["/public_key/", "/user_data/", "/availability_zone/nova/"]
)
def test_what_is_given_at_the_start_cannot_be_given_later(
    cloud: Cloud, method: str, path: str
) -> None:
    answer = cloud.send(method, path, locations(cloud.nova.add()))
    assert answer.status == 400
    assert "when the entity is made" in answer.text
    assert changed(cloud) == []


def test_nothing_is_taken_from_nobody(cloud: Cloud) -> None:
    assert cloud.send("DELETE", "/user_data/").status == 200
    cloud.nova.add(key_name="mine")
    answer = cloud.send("DELETE", "/public_key/")
    assert answer.status == 400
    assert cloud.send("DELETE", "/public_key/", locations(ABSENT)).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "names no X-OCCI-Location"),
        (f"X-OCCI-Location: {ENDPOINT}/storage/{ABSENT}", "is no compute"),
        (f"X-OCCI-Location: {ENDPOINT}/compute/one", '"one"'),
        ("X-OCCI-Attribute: a=1", "locations alone"),
        ('Category: a; scheme="http://x#"; class="mixin"', "locations alone"),
    ],
)
def test_bad_locations(cloud: Cloud, method: str, body: str, named: str) -> None:
    answer = cloud.send(method, "/resource_tpl/2/", body)
    assert answer.status == 400
    assert named in answer.text


def test_an_action_on_those_that_have_a_mixin(cloud: Cloud) -> None:
    one, _ = cloud.nova.add(), small(cloud)
    answer = cloud.send("POST", "/resource_tpl/1/?action=stop", act("stop"))
    assert answer.status == 200
    assert changed(cloud) == [(f"/servers/{one}/action", {"os-stop": None})]
    answer = cloud.send("POST", "/ipnetwork/?action=stop", act("stop"))
    assert answer.status == 400
    assert "ipnetwork" in answer.text


def test_all_entities(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    port = cloud.neutron.add_port(server_id)
    inside = cloud.neutron.add("networks", name="in", status="ACTIVE", subnets=[])
    group = cloud.neutron.add(
        "security_groups", name="default", security_group_rules=[]
    )
    resources = {
        f"{BASE}{server_id}",
        f"{ENDPOINT}/network/{inside}",
        f"{ENDPOINT}/securitygroup/{group}",
    }
    links = {f"{ENDPOINT}/networkinterface/{port}"}
    for path in ("/", "", "/entity/"):
        found = listed(cloud, path)
        assert len(found) == len(set(found))
        assert resources | links <= set(found)
    assert resources <= set(listed(cloud, "/resource/"))
    assert not links & set(listed(cloud, "/resource/"))
    assert links <= set(listed(cloud, "/link/"))
    assert not resources & set(listed(cloud, "/link/"))


def test_all_entities_in_full_and_filtered(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    cloud.neutron.add_port(server_id)
    whole = json.loads(cloud.send("GET", "/", headers=JSON).body)
    assert server_id in [resource["id"] for resource in whole["resources"]]
    assert len(whole["links"]) >= 1
    line = f'compute; scheme="{kinds.INFRASTRUCTURE}"; class="kind"'
    headers = {**URIS, "Category": line, "Content-Type": "text/occi"}
    assert cloud.send("GET", "/", headers=headers).text == BASE + server_id


def test_a_part_of_all_is_never_shown_as_the_whole(cloud: Cloud) -> None:
    cloud.glance.pages.clear()
    cloud.glance.pages["/v3/volumes?limit=1000"] = (503, b"")
    answer = cloud.send("GET", "/")
    assert answer.status == 503
    assert "storage service" in answer.text


@pytest.mark.parametrize("path", ["/", "/entity/", "/resource/", "/link/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_cannot_be_made(cloud: Cloud, path: str, method: str) -> None:
    answer = cloud.send(method, path)
    assert answer.status == 405
    assert answer.header("Allow") == "GET, HEAD"


def test_terms_of_flavors_are_not_ids(cloud: Cloud) -> None:
    big = FLAVORS[2]
    flavor = {"original_name": big["name"], "vcpus": 4, "ram": 8192}
    server_id = cloud.nova.add(flavor=flavor)
    (term,) = {
        line.partition(";")[0].rpartition(" ")[2]
        for line in cloud.send("GET", f"/compute/{server_id}").text.split("\n")
        if kinds.RESOURCE_TEMPLATE in line
    }
    assert term != big["id"]
    assert listed(cloud, f"/resource_tpl/{term}/") == [BASE + server_id]
