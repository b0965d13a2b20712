# SPDX-License-Identifier: Apache-2.0
"""The match of a path: never kinder than the service."""

import pytest

from vo_policy_ext.routes import CANONICAL, Access, Route, Table

ID = "0f7c9f4e-5b1a-4b8e-9d2e-3a1c5f6e7d80"
TABLE = Table(
    Route(path=path, access=access)
    for path, access in [
        ("", Access.OPEN),
        ("/", Access.OPEN),
        ("/servers", Access.LIST),
        ("/servers/detail", Access.LIST),
        ("/servers/{server}", Access.OWNED),
        ("/servers/{server}/tags/{name}", Access.OWNED),
        ("/usage/{project}", Access.PROJECT),
    ]
)


def path_of(path, project_id="abc"):
    match = TABLE.match(path, project_id=project_id)
    return None if match is None else match.route.path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ""),
        ("/", "/"),
        ("/abc/", "/"),
        ("/servers", "/servers"),
        ("/servers/", "/servers"),
        ("/abc/servers", "/servers"),
        ("/abc/servers/", "/servers"),
        ("/servers/detail", "/servers/detail"),
        ("/servers/abc", "/servers/{server}"),
        ("/abc/servers/abc", "/servers/{server}"),
        (f"/servers/{ID}", "/servers/{server}"),
        (f"/servers/{ID}.json", "/servers/{server}"),
        (f"/servers/{ID}/tags/%2e%2e", "/servers/{server}/tags/{name}"),
    ],
)
def test_a_known_path(path, expected):
    assert path_of(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "servers",
        "/abc",
        "//servers",
        "/servers//",
        "/./servers",
        "/servers/.",
        "/servers/..",
        "/servers/../servers",
        "/usage/../servers",
        "/Servers",
        "/servers.json",
        "/servers\n",
        "/servers ",
        "/%73ervers",
        "/def/servers",
        "/abc/abc/servers",
        f"/servers//{ID}",
        f"/servers/{ID}/tags",
        f"/servers/{ID}/tags/",
        f"/servers/{ID}/tags/a/b",
        f"/servers/{ID}//tags/a",
    ],
)
def test_a_path_of_no_route(path):
    assert path_of(path) is None


def test_without_a_project_an_empty_segment_is_no_prefix():
    assert path_of("//servers", project_id="") is None


def test_the_first_parameter_is_what_is_owned():
    match = TABLE.match(f"/servers/{ID}/tags/a", project_id="abc")
    assert match is not None
    assert match.owned == ("server", ID)
    assert match.values == {"server": ID, "name": "a"}


def test_an_open_path_owns_nothing():
    match = TABLE.match("/usage/abc", project_id="abc")
    assert match is not None
    assert match.owned is None


def test_the_first_route_that_fits_is_taken():
    table = Table(
        Route(path=path, access=Access.OWNED) for path in ("/a/{server}", "/a/{image}")
    )
    match = table.match("/a/1", project_id="")
    assert match is not None
    assert match.owned == ("server", "1")


def test_a_path_stands_once():
    with pytest.raises(ValueError, match="/a stands twice"):
        Table([Route(path="/a", access=Access.OPEN)] * 2)


def test_what_is_owned_has_a_name():
    with pytest.raises(ValueError, match="names no resource"):
        Route(path="/servers", access=Access.OWNED)


def test_two_parameters_have_two_names():
    with pytest.raises(ValueError, match="two parameters alike"):
        Route(path="/a/{server}/b/{server}", access=Access.OWNED)


@pytest.mark.parametrize(
    "text",
    [
        ID.upper(),
        f"{ID} ",
        f"{ID}\n",
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
        f"{ID}.json",
        ID.replace("-", ""),
        ID.replace("0", "\uff10"),
        "",
    ],
)
def test_one_form_of_an_id_counts(text):
    assert CANONICAL.fullmatch(ID)
    assert not CANONICAL.fullmatch(text)
