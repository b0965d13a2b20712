# SPDX-License-Identifier: Apache-2.0
"""Lists of servers, answered by Nova itself from its databases."""

from urllib.parse import quote

import pytest

from tests.unit.policy.nova.site import context

STOCK = pytest.mark.parametrize("site", ["stock"], indirect=True)
FIRST = {"HTTP_OPENSTACK_API_VERSION": "compute 2.1"}
VERSIONS = pytest.mark.parametrize(
    "version",
    [
        {"HTTP_OPENSTACK_API_VERSION": f"compute {number}"}
        for number in ("2.1", "2.26", "2.82", "2.83", "latest")
    ]
    + [{"openstack.legacy_v2": True}],
    ids=["2.1", "2.26", "2.82", "2.83", "latest", "v2"],
)
LISTS = pytest.mark.parametrize("path", ["/servers", "/servers/detail"])


def names(answer):
    status, document = answer
    assert status == 200, document
    return sorted(server["name"] for server in document["servers"])


def text(answer):
    ((_, fault),) = answer[1].items()
    return answer[0], fault["message"]


@VERSIONS
@LISTS
def test_a_user_sees_what_is_theirs(site, path, version):
    for user in ("alice", "bob"):
        answer = site.ask(site.filter, "GET", path, context(user), **version)
        assert names(answer) == [f"{user}-vm"]
    # Nova alone shows the project.
    answer = site.ask(site.application, "GET", path, context(), **version)
    assert names(answer) == ["alice-vm", "bob-vm"]


@pytest.mark.parametrize("path", ["/os-volumes_boot", "/os-volumes_boot/detail"])
def test_the_old_name_of_the_list(site, path):
    assert names(site.ask(site.filter, "GET", path, context())) == ["bob-vm"]
    assert len(names(site.ask(site.application, "GET", path, context()))) == 2


@VERSIONS
@pytest.mark.parametrize(
    "query",
    [
        "user_id=alice",
        "user_id=alice&user_id=bob",
        "user_id=bob&user_id=alice",
        "user_id=",
        "user%5Fid=alice",
        "tenant_id=other&project_id=other",
        "all_tenants=0",
        "all_tenants=1",
        "deleted=true",
        "soft_deleted=1",
        "host=anywhere",
        "node=anywhere",
        "uuid=1",
        "metadata={}",
        "_hidden=1",
        "name=vm",
        "name=.*",
        "changes-since=2020-01-01T00:00:00Z&deleted=0&name=vm",
        "status=ACTIVE",
        "sort_key=user_id&sort_dir=asc",
        "limit=1000",
        "a=b&user_id",
    ],
)
def test_no_query_shows_more(site, query, version):
    path = f"/servers/detail?{query}"
    answer = site.ask(site.filter, "GET", path, context(), **version)
    assert names(answer) == ["bob-vm"]


@VERSIONS
def test_what_is_deleted_is_shown_to_its_owner(site, version):
    for user in ("alice", "bob"):
        site.delete(site.server(user, f"{user}-gone"))
    path = "/servers?changes-since=" + quote("2025-01-01T00:00:00Z")
    answer = site.ask(site.filter, "GET", path, context(), **version)
    assert "bob-gone" in names(answer)
    assert not [name for name in names(answer) if name.startswith("alice")]
    alone = site.ask(site.application, "GET", path, context(), **version)
    assert "alice-gone" in names(alone)
    for query in ("deleted=1", "deleted=1&changes-since=2025-01-01T00:00:00Z"):
        answer = site.ask(site.filter, "GET", f"/servers?{query}", context(), **version)
        assert not [name for name in names(answer) if name.startswith("alice")]
    path = "/servers?status=deleted"
    status, _ = site.ask(
        site.filter, "GET", path, context("c", "manager", "reader"), **version
    )
    assert status == 403


@VERSIONS
@pytest.mark.parametrize("query", ["tags=a", "tags-any=a,b", "locked=true"])
def test_a_newer_filter_does_no_harm_to_an_older_version(site, query, version):
    path = f"/servers?{query}"
    answer = site.ask(site.filter, "GET", path, context(), **version)
    # Older than all of them: the first version, and v2, where they would crash.
    if version == FIRST or "openstack.legacy_v2" in version:
        assert names(answer) == ["bob-vm"]
    else:
        assert set(names(answer)) <= {"bob-vm"}


def test_a_page_begins_at_a_server_of_ones_own(site):
    path = f"/servers?marker={site.bobs}"
    assert names(site.ask(site.filter, "GET", path, context())) == []
    # Nova alone says where in the order of the project alice's stands.
    path = f"/servers?marker={site.alices}"
    assert site.ask(site.application, "GET", path, context())[0] == 200


@VERSIONS
def test_another_users_marker_is_as_one_that_is_not_there(site, version):
    nobodys = "00000000-0000-4000-8000-000000000003"
    for marker in (site.alices, nobodys, site.bobs.upper(), f"{site.bobs} ", ""):
        path = f"/servers?marker={quote(marker)}"
        answer = site.ask(site.filter, "GET", path, context(), **version)
        assert text(answer) == (400, f"marker [{marker}] not found")
    # Nova's own words.
    path = f"/servers?marker={nobodys}"
    answer = site.ask(site.application, "GET", path, context(), **version)
    assert text(answer) == (400, f"marker [{nobodys}] not found")


def test_a_marker_stands_once(site):
    path = f"/servers?marker={site.alices}&marker={site.bobs}"
    answer = site.ask(site.filter, "GET", path, context())
    assert text(answer) == (400, "The query has more than one marker.")


def test_sorting_by_the_host_is_the_administrators(site):
    path = "/servers?sort_key=host"
    assert site.ask(site.filter, "GET", path, context())[0] == 403
    assert (
        site.ask(site.filter, "GET", path, context("c", "manager", "reader"))[0] == 403
    )


@VERSIONS
@pytest.mark.parametrize("roles", [("manager", "reader"), ("vo_auditor",)])
def test_who_reads_all_sees_the_project(site, roles, version):
    who = context("carol", *roles)
    assert {"alice-vm", "bob-vm"} <= set(
        names(site.ask(site.filter, "GET", "/servers/detail", who, **version))
    )
    path = "/servers?user_id=alice"
    assert names(site.ask(site.filter, "GET", path, who, **version)) == ["alice-vm"]
    # The rule set opens any filter to readers; these are not for them all the same.
    path = "/servers?host=x&deleted=1&all_tenants=1&name=bob"
    assert names(site.ask(site.filter, "GET", path, who, **version)) == ["bob-vm"]


def test_the_query_of_the_administrator_stays_as_it_is(site):
    who = context("root", "admin")
    path = "/servers?all_tenants=1&host=x"
    assert names(site.ask(site.filter, "GET", path, who)) == []


@STOCK
@VERSIONS
@LISTS
def test_without_the_rule_set_nothing_is_shown(site, path, version, caplog):
    answer = site.ask(site.filter, "GET", path, context(), **version)
    assert text(answer) == (503, "The list cannot be narrowed to what is yours.")
    assert "50-vo.yaml" in caplog.text
    assert "rule_set_missing" in caplog.text


@STOCK
def test_without_the_rule_set_nova_ignores_the_user(site):
    # Why the filter does not get by without it.
    path = "/servers?user_id=bob"
    assert len(names(site.ask(site.application, "GET", path, context()))) == 2


@STOCK
@LISTS
def test_who_may_not_list_at_all_hears_it_from_nova(site, path):
    answer = site.ask(site.filter, "GET", path, context("bob", "guest"))
    assert answer[0] == 403
    assert "os_compute_api:servers" in text(answer)[1]


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "get"])
def test_another_method_is_novas_to_refuse(site, method):
    assert site.ask(site.filter, method, "/servers", context())[0] == 404
