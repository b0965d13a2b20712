# SPDX-License-Identifier: Apache-2.0
"""Whose a server is, by Nova's database; and the filter's options."""

import uuid

import pytest
from nova import exception
from nova.objects.instance_mapping import InstanceMapping

from tests.unit.policy.nova.site import PROJECT, context
from tests.unit.policy.nova.test_lists import text
from vo_policy_ext import nova
from vo_policy_ext.nova import filter_factory


@pytest.fixture
def service(site):
    return nova.Nova()


@pytest.fixture
def asked(monkeypatch):
    """The ids that the database is asked for."""
    found = []
    stock = InstanceMapping.get_by_instance_uuid

    def get(context, server):
        found.append(server)
        return stock(context, server)

    monkeypatch.setattr(InstanceMapping, "get_by_instance_uuid", get)
    return found


def test_the_owners_of_servers(site, service):
    nobodys = str(uuid.uuid4())
    assert service.owners(context(), "server", (site.alices, site.bobs, nobodys)) == {
        site.alices: "alice",
        site.bobs: "bob",
    }


def test_nobody_owns_anything_else(site, service, asked):
    for kind in ("server_group", "host_query"):
        assert service.owners(context(), kind, (site.bobs,)) == {}
    assert asked == []


def test_an_owner_is_looked_up_once_and_a_missing_server_again(site, service, asked):
    nobodys = str(uuid.uuid4())
    for _ in range(3):
        service.owners(context(), "server", (site.bobs, nobodys))
    assert asked == [site.bobs, nobodys, nobodys, nobodys]
    site.mapping(nobodys, "carol")
    assert service.owners(context(), "server", (nobodys,)) == {nobodys: "carol"}


def test_a_server_of_an_old_release_has_no_owner(site, service, caplog):
    old = str(uuid.uuid4())
    site.mapping(old, None)
    assert service.owners(context(), "server", (old,)) == {}
    assert "nova-manage db online_data_migrations" in caplog.text
    for who, status in ((context(), 404), (context("bob", "vo_auditor"), 404)):
        answer = site.ask(site.filter, "DELETE", f"/servers/{old}", who)
        assert answer[0] == status


def test_what_the_database_takes_for_the_same_is_not(site, service, monkeypatch):
    stock = InstanceMapping.get_by_instance_uuid
    monkeypatch.setattr(
        InstanceMapping,
        "get_by_instance_uuid",
        lambda context, server: stock(context, site.bobs),
    )
    assert service.owners(context(), "server", (str(uuid.uuid4()),)) == {}


def test_no_database_no_way_through(site, monkeypatch, caplog):
    def broken(context, server):
        raise KeyError("the database speaks in tongues")

    monkeypatch.setattr(InstanceMapping, "get_by_instance_uuid", broken)
    for path in (f"/servers/{site.bobs}", f"/servers?marker={site.bobs}"):
        assert site.ask(site.filter, "GET", path, context())[0] == 503
    assert "owner_unknown" in caplog.text
    assert "not_narrowed" in caplog.text


def test_what_is_missing_is_called_as_nova_calls_it(service):
    server = str(uuid.uuid4())
    assert (
        service.missing("server", server)
        == exception.InstanceNotFound(instance_id=server).format_message()
    )
    assert (
        service.missing("server_group", server)
        == exception.InstanceGroupNotFound(group_uuid=server).format_message()
    )


@pytest.mark.parametrize("path", ["", "/ips", "/metadata", "/os-volume_attachments"])
def test_the_answer_for_anothers_server_is_novas_for_a_missing_one(site, path):
    nobodys = str(uuid.uuid4())
    hidden = site.ask(site.filter, "GET", f"/servers/{site.alices}{path}", context())
    missing = site.ask(site.application, "GET", f"/servers/{nobodys}{path}", context())
    assert hidden[0] == missing[0] == 404
    assert list(hidden[1]) == list(missing[1]) == ["itemNotFound"]
    assert text(hidden)[1].replace(site.alices, nobodys) == text(missing)[1]


@pytest.mark.parametrize("path", ["", "/detail"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("?user_id=bob", 200),
        ("?user_id=alice", 403),
        ("?user_id=alice&user_id=bob", 403),
        ("?user_id=bob&user_id=alice", 403),
        ("?user%5fid=alice", 403),
        ("?a=b;user_id=alice", 400),
    ],
)
def test_the_quota_of_another_user(site, path, query, status):
    path = f"/os-quota-sets/{PROJECT}{path}{query}"
    seen = []

    def behind(environ, start_response):
        seen.append(environ["QUERY_STRING"])
        start_response("200 OK", [])
        return [b"{}"]

    who = context()
    isolation = filter_factory({})(behind)
    assert site.ask(isolation, "GET", path, who)[0] == status
    if status == 200:
        assert seen == [query.lstrip("?")]


@pytest.mark.parametrize("who", [("c", "manager"), ("c", "vo_auditor"), ("c", "admin")])
def test_who_reads_all_may_ask_for_the_quota_of_a_user(site, who):
    seen = []

    def behind(environ, start_response):
        seen.append(environ["QUERY_STRING"])
        start_response("200 OK", [])
        return []

    path = f"/os-quota-sets/{PROJECT}?user_id=alice"
    site.ask(filter_factory({})(behind), "GET", path, context(*who))
    assert seen == ["user_id=alice"]


def test_the_context_is_novas(service):
    who = context()
    assert service.context({"nova.context": who}) is who
    assert service.context({}) is None


def test_nobody_gets_through(site):
    assert site.ask(site.filter, "GET", "/servers", None)[0] == 403


def test_the_filter_has_no_options():
    with pytest.raises(ValueError, match="has no option admins, roles"):
        filter_factory({"here": "/"}, roles="member", admins="bob")
