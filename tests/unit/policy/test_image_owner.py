# SPDX-License-Identifier: Apache-2.0
"""Who owns an image is not the client's to say, however it is written."""

import pytest

from vo_policy_ext.errors import Malformed, Refused
from vo_policy_ext.image_owner import check_patch, is_owner, stamped

UUID = "0f0f0f0f-0000-4000-8000-00000000abcd"


@pytest.mark.parametrize(
    "name",
    [
        "user_id",
        "USER_ID",
        "User_Id ",
        " user_id",
        "user_id\t",
        "user_id\x00",
        "us\u00e9r_id",
        "u\u0301ser_id",
        "\uff55ser_id",  # full width
        "u\u017fer_id",  # a long s
        "user_\u0131d",  # a dotless i
        "user_i\u0111",  # a d with a stroke
        "user\u200b_id",
        "user_id\u00a0",
        "\ufeffuser_id",
    ],
)
def test_names_that_a_database_may_hold_for_it(name):
    assert is_owner(name)


@pytest.mark.parametrize(
    "name",
    ["", "userid", "user_ids", "my_user_id", "user-id", "os_user_id", "user_i",
     "\u5229\u7528\u8005\u8b58\u5225\u5b50\u756a", "owner_id", "user.id", "u*"],
)  # fmt: skip
def test_names_that_are_others(name):
    assert not is_owner(name)


def _stamped(document, *, free=False, passed_on=False):
    return stamped(document, "bob", free=free, passed_on=passed_on)


def test_the_stamp():
    assert _stamped({"name": "x"}) == {"name": "x", "user_id": "bob"}
    assert _stamped({"user_id": "bob"}) == {"user_id": "bob"}
    assert _stamped({"user_id": "al"}, free=True) == {"user_id": "al"}
    assert _stamped({"name": "x"}, free=True) == {"name": "x", "user_id": "bob"}
    assert _stamped({"user_id": "al"}, passed_on=True) == {"user_id": "bob"}
    assert _stamped({"id": UUID}) == {"id": UUID, "user_id": "bob"}
    assert _stamped([1]) == [1]


def test_what_is_given_stays_as_it_was():
    given = {"name": "x"}
    _stamped(given)
    assert given == {"name": "x"}


@pytest.mark.parametrize("named", ["al", "BOB", "bob ", "", None, 1, ["bob"]])
def test_another_owner_is_refused(named):
    with pytest.raises(Refused) as error:
        _stamped({"user_id": named})
    assert (error.value.status, error.value.code) == (403, "owner_property")


@pytest.mark.parametrize("free", [False, True])
def test_a_second_name_is_refused(free):
    with pytest.raises(Malformed):
        _stamped({"user_id": "bob", "User_ID": "al"}, free=free)


@pytest.mark.parametrize("image_id", [UUID.upper(), UUID[:-1], 7, None, [UUID]])
def test_an_id_that_no_owner_could_be_looked_up_by(image_id):
    with pytest.raises(Malformed, match="lower case"):
        _stamped({"id": image_id})


@pytest.mark.parametrize("member", ["path", "add", "remove", "replace", "from"])
@pytest.mark.parametrize(
    "pointer",
    ["/user_id", "user_id", "//user_id", "/ user_id ", " /USER_ID", "/user_id/0",
     "/user_id/"],
)  # fmt: skip
def test_a_pointer_to_the_owner(member, pointer):
    with pytest.raises(Refused):
        check_patch([{"path": "/name"}, {"op": "replace", member: pointer}])


@pytest.mark.parametrize("pointer", [7, None, ["/user_id"], {"a": 1}])
def test_a_pointer_that_is_no_text(pointer):
    with pytest.raises(Malformed):
        check_patch([{"op": "remove", "path": pointer}])


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {"path": "/user_id"},
        ["/user_id"],
        [{"op": "add", "path": "/user_ids", "value": "/user_id"}],
        [{"op": "add", "path": "/a~1user_id", "value": 1}],
        [{"op": "add", "path": "/locations/0", "value": {"user_id": 1}}],
        [{"value": "/user_id"}],
    ],
)
def test_what_is_left_to_glance(document):
    check_patch(document)


def test_a_long_name_is_compared_at_once():
    assert not is_owner("\u0131" * 20000 + "z")
    assert is_owner("\u0131" * 20000)
