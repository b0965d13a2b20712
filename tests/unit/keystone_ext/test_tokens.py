# SPDX-License-Identifier: Apache-2.0
"""The mark in a token's audit id, and the names of groups that it is made from."""

import base64

import pytest

from keystone_voms_ext.identity import groups, tokens


def place(name, *, live=True):
    return groups.Membership(group_id=f"id of {name}", name=name, live=live)


PLACES = [place(f"voms:/dteam/{letter}") for letter in "abcde"]


def chosen(mark, places):
    return tokens._chosen(tokens._octets(mark), places)


@pytest.mark.parametrize("names", [[], [0], [4], [0, 2], [1, 3, 4], [0, 1, 2, 3, 4]])
def test_a_mark_gives_back_the_groups_it_was_made_from(names):
    wanted = [PLACES[number] for number in names]
    found = chosen(tokens.mark([one.name for one in reversed(wanted)]), PLACES)
    assert found == {one.group_id for one in wanted}


def test_groups_that_the_user_has_left_widen_nothing():
    mark = tokens.mark([one.name for one in PLACES[:3]])
    assert chosen(mark, PLACES[:2]) == frozenset()
    assert chosen(mark, []) == frozenset()


def test_marks_are_audit_ids_and_differ():
    marks = {tokens.mark(["voms:dteam"]) for _ in range(100)}
    assert len(marks) == 100
    for mark in marks:
        assert len(mark) == 22
        assert len(base64.urlsafe_b64decode(mark + "==")) == 16


def test_other_audit_ids_carry_no_mark():
    octets = tokens._octets(tokens.mark(["voms:dteam"]))
    assert octets.startswith(tokens._head(octets))
    assert not bytes(16).startswith(tokens._head(bytes(16)))
    assert tokens._octets(None) == b""
    assert tokens._octets("\u00e9") == b""


def test_with_very_many_groups_all_of_them_bound():
    many = [place(f"voms:/dteam/{number}") for number in range(15)]
    found = chosen(tokens.mark([many[0].name]), many)
    assert found == {one.group_id for one in many}


@pytest.mark.parametrize(
    ("key", "vos", "within"),
    [
        ("dteam", ["dteam"], True),
        ("/dteam/NGI_TEST/Role=VO-Admin", ["ops", "dteam"], True),
        ("/dteam/NGI_TEST", ["ops"], False),
        ("dteam2", ["dteam"], False),
        ("/dteam2/x", ["dteam"], False),
        (f"/dteam/{'x' * 90}", ["dteam"], True),
        (f"/{'v' * 90}/group", ["v" * 90], True),
        (f"/{'v' * 90}/group", ["v" * 91], False),
        (f"{'v' * 90}", ["v" * 90], True),
    ],
)
@pytest.mark.parametrize("dn", [None, "/CN=alice"])
def test_a_group_tells_its_vo(key, vos, within, dn):
    name = groups.group_name(key, dn=dn)
    assert len(name) <= 64
    assert place(name).is_within(vos) is within


def test_two_users_with_projects_of_their_own_share_no_group():
    names = {
        groups.group_name(key, dn=dn)
        for key in ("dteam", f"/dteam/{'x' * 90}")
        for dn in (None, "/CN=alice", "/CN=bob")
    }
    assert len(names) == 6
