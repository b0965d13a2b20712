# SPDX-License-Identifier: Apache-2.0
"""ooi-manage: what register would do to a catalog, and how a probe goes."""

from collections.abc import Callable
from typing import Any

import pytest

from ooi_ext import manage, probing
from ooi_ext.manage import CannotTell, Endpoint, Step, plan_endpoints, plan_service
from ooi_ext.probing import Reply, Row, probe
from tests.unit.ooi.cloud import IMAGE_ID, Cloud

URL = "https://cloud.example.org:8787/occi1.1"
WANTED = Endpoint(interface="public", region="RegionOne", url=URL)
THERE = {
    "id": "e1",
    "interface": "public",
    "region_id": "RegionOne",
    "url": URL,
    "enabled": True,
}


def test_the_service_is_made_once() -> None:
    step = plan_service([])
    assert (step.method, step.path) == ("POST", "/services")
    assert step.body == {
        "service": {"name": "occi", "type": "occi", "description": "OCCI interface"}
    }
    assert plan_service([{"id": "s1"}]) == Step("the service occi is there: s1")
    with pytest.raises(CannotTell, match="s1, s2"):
        plan_service([{"id": "s1"}, {"id": "s2"}])


def test_an_endpoint_is_made_once() -> None:
    (step,) = plan_endpoints([], [WANTED], service_id="s1")
    assert (step.method, step.path) == ("POST", "/endpoints")
    assert step.body == {
        "endpoint": {
            "service_id": "s1",
            "interface": "public",
            "region_id": "RegionOne",
            "url": URL,
        }
    }
    (step,) = plan_endpoints([THERE], [WANTED], service_id="s1")
    assert (step.method, step.path, step.body) == ("", "", None)
    assert URL in step.text


def test_the_region() -> None:
    one, two = [{"id": "One"}], [{"id": "Two"}, {"id": "One"}]
    assert manage.choose_region(one, "") == "One"
    assert manage.choose_region(two, "Two") == "Two"
    for wanted in ("", "one"):
        with pytest.raises(CannotTell, match=f'"{wanted}" must be one of: One, Two'):
            manage.choose_region(two, wanted)
    with pytest.raises(CannotTell, match="region create"):
        manage.choose_region([], "One")


@pytest.mark.parametrize("change", [{"url": "http://old"}, {"enabled": False}])
def test_an_endpoint_is_corrected(change: Any) -> None:
    (step,) = plan_endpoints([{**THERE, **change}], [WANTED], service_id="s1")
    assert (step.method, step.path) == ("PATCH", "/endpoints/e1")
    assert step.body == {"endpoint": {"url": URL, "enabled": True}}
    assert change.get("url", URL) in step.text


def test_other_endpoints_are_left_alone() -> None:
    others = [{**THERE, "region_id": "Two"}, {**THERE, "interface": "internal"}]
    (step,) = plan_endpoints(others, [WANTED], service_id="s1")
    assert step.method == "POST"
    with pytest.raises(CannotTell, match="e1, e1. Delete"):
        plan_endpoints([THERE, THERE], [WANTED], service_id="s1")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["register"],
        ["register", "--url", URL, "--interface", "secret"],
        ["register", "--url", "cloud.example.org:8787"],
        ["register", "--url", f"{URL}?a=b"],
        ["probe", "--wait", "long"],
        ["launch"],
    ],
)
def test_wrong_use_ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        manage.main(arguments)
    assert end.value.code == 2
    assert "usage: ooi-manage" in capsys.readouterr().err


def test_without_credentials_it_ends_with_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_AUTH_TYPE"):
        monkeypatch.delenv(name, raising=False)
    assert manage.main(["register", "--url", URL]) == 2
    assert "auth_url" in capsys.readouterr().err


REFUSED = Reply(401, {"www-authenticate": "Keystone uri='https://k:5000'"}, "")


def sender(
    cloud: Cloud, replies: dict[tuple[str, str], Reply] | None = None
) -> probing.Send:
    """Return how requests reach the filter, but for those in `replies`."""

    def send(method: str, path: str, body: bytes, token: bool) -> Reply:
        path = path.removeprefix("http://cloud.example.org/occi1.1")
        for (wanted, begin), reply in (replies or {}).items():
            if method == wanted and path.startswith(begin):
                return reply
        if not token:
            return REFUSED
        answer = cloud.send(method, path, body, probing.HEADERS)
        headers = {key.lower(): value for key, value in answer.headers}
        return Reply(answer.status, headers, answer.text)

    return send


def starter(cloud: Cloud, status: str = "ACTIVE") -> Callable[[float], None]:
    """Return a pause in which Nova finishes what it was asked for."""

    def pause(seconds: float) -> None:
        for server in cloud.nova.servers.values():
            server["status"] = status

    return pause


def verdicts(rows: list[Row]) -> list[tuple[str, bool]]:
    return [(row.name, row.fine) for row in rows]


def test_a_site_that_is_well(cloud: Cloud) -> None:
    other = cloud.nova.add()
    rows = list(probe(sender(cloud), pause=starter(cloud)))
    assert [row.said for row in rows if not row.fine] == []
    assert [row.name for row in rows] == [
        "refuse",
        "query",
        "list",
        "create",
        "become active",
        "delete",
        "be gone",
    ]
    assert rows[0].said == "Keystone uri='https://k:5000'"
    assert rows[2].said == "1 machines"
    # Nothing but its own machine is gone.
    assert list(cloud.nova.servers) == [other]
    (asked,) = (a["server"] for _, p, a in cloud.nova.requests if p == "/servers" and a)
    assert asked["name"] == asked["hostname"] == "occi-probe"
    assert (asked["imageRef"], asked["flavorRef"]) == (IMAGE_ID, "1")


def test_templates_of_choice(cloud: Cloud) -> None:
    rows = probe(sender(cloud), resource_tpl="2", pause=starter(cloud))
    assert all(row.fine for row in rows)
    (asked,) = (a["server"] for _, p, a in cloud.nova.requests if p == "/servers" and a)
    assert asked["flavorRef"] == "2"
    for chosen in ({"os_tpl": "none"}, {"resource_tpl": "none"}):
        rows = list(probe(sender(cloud), **chosen))  # type: ignore[arg-type]
        assert verdicts(rows)[-1] == ("query", False)
        assert rows[-1].said == f"there is no {[*chosen][0]} none"


@pytest.mark.parametrize(
    ("request_", "reply", "step", "said"),
    [
        (("GET", "/-/"), Reply(200, {}, ""), "refuse", "200"),
        (
            ("GET", "/-/"),
            Reply(401, {"www-authenticate": 'Keystone uri="https://k"'}, ""),
            "refuse",
            "Keystone uri=",
        ),
        (("GET", "/compute/"), Reply(503, {}, "\x1b[2Jdown"), "list", "503"),
        (("GET", "/compute/"), Reply(200, {}, "<html>"), "list", "no OCCI"),
        (("POST", "/compute/"), Reply(409, {}, "Several networks"), "create", "409"),
        (("POST", "/compute/"), Reply(201, {}, ""), "create", "no Location"),
    ],
)
def test_a_failure_ends_it(
    cloud: Cloud, request_: tuple[str, str], reply: Reply, step: str, said: str
) -> None:
    rows = list(probe(sender(cloud, {request_: reply}), pause=starter(cloud)))
    assert verdicts(rows)[-1] == (step, False)
    assert all(row.fine for row in rows[:-1])
    assert said in rows[-1].said
    assert rows[-1].said.isprintable()
    assert cloud.nova.servers == {}


@pytest.mark.parametrize(
    ("headers", "text", "said"),
    [
        ({}, "", "Server"),
        ({"server": "OCCI/1.2"}, "", "missing: compute, network, storage"),
    ],
)
def test_an_interface_that_lacks_something(
    cloud: Cloud, headers: dict[str, str], text: str, said: str
) -> None:
    send = sender(cloud)

    def query(method: str, path: str, body: bytes, token: bool) -> Reply:
        return Reply(200, headers, text) if token else send(method, path, body, token)

    rows = list(probe(query))
    assert verdicts(rows) == [("refuse", True), ("query", False)]
    assert said in rows[-1].said


@pytest.mark.parametrize(
    ("status", "seconds", "said"),
    [("ERROR", 60, "it is error"), ("BUILD", 0, "inactive after 0 seconds")],
)
def test_a_machine_that_does_not_start_is_deleted(
    cloud: Cloud, status: str, seconds: int, said: str
) -> None:
    rows = list(probe(sender(cloud), seconds=seconds, pause=starter(cloud, status)))
    assert verdicts(rows)[4:] == [
        ("become active", False),
        ("delete", True),
        ("be gone", True),
    ]
    assert rows[4].said == said
    assert cloud.nova.servers == {}


def test_a_machine_is_deleted_although_somebody_lost_patience(cloud: Cloud) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(probe(sender(cloud), pause=interrupted))
    assert cloud.nova.servers == {}
    assert cloud.nova.requests[-1][0] == "DELETE"


def test_a_machine_that_cannot_be_deleted(cloud: Cloud) -> None:
    replies = {("DELETE", "/compute/"): Reply(409, {}, "locked")}
    rows = list(probe(sender(cloud, replies), pause=starter(cloud)))
    assert verdicts(rows)[-1] == ("delete", False)
    assert "locked" in rows[-1].said


def test_nobody_listens(cloud: Cloud) -> None:
    def send(method: str, path: str, body: bytes, token: bool) -> Reply:
        raise probing.Failure("connection refused")

    (row,) = probe(send)
    assert (row.name, row.fine, row.said) == ("refuse", False, "connection refused")
