# SPDX-License-Identifier: Apache-2.0
"""The variables LAB_*: what they mean and what is refused."""

from pathlib import Path

import pytest

from tests.lab.errors import LabError
from tests.lab.settings import ISOLATION, PORTS, from_environ

SOURCE = Path("/srv/checkout")


def settings(**environ):
    return from_environ(environ, source=SOURCE)


def test_the_default_lab_is_in_the_source_tree():
    assert settings().root == SOURCE / ".lab"
    assert settings().url("keystone") == "https://127.0.0.1:15000"


def test_an_empty_variable_is_no_variable():
    assert settings(LAB_ROOT="", LAB_PORT_BASE="") == settings()


def test_a_relative_root_does_not_depend_on_the_current_directory():
    assert settings(LAB_ROOT="labs/two").root == SOURCE / "labs/two"
    assert settings(LAB_ROOT="/var/tmp/two").root == Path("/var/tmp/two")


def test_the_ports_of_a_lab_are_in_a_row():
    lab = settings(LAB_PORT_BASE="21000")
    assert [lab.port(name) for name in PORTS] == list(range(21000, 21000 + len(PORTS)))


def test_two_labs_at_a_distance_share_no_port():
    one = settings(LAB_PORT_BASE="21000")
    two = settings(LAB_PORT_BASE=str(21000 + len(PORTS)))
    assert not {one.port(s) for s in PORTS} & {two.port(s) for s in PORTS}


def test_the_highest_port_base_keeps_every_port_in_range():
    assert settings(LAB_PORT_BASE=str(65536 - len(PORTS))).port(PORTS[-1]) == 65535


@pytest.mark.parametrize(
    "text", ["80", "65530", "1e4", "-15000", "15000 ", "\u0661\u0665\u0660\u0660\u0660"]
)
def test_a_port_base_that_cannot_work_is_refused_by_its_text(text):
    with pytest.raises(LabError) as refused:
        settings(LAB_PORT_BASE=text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("character", sorted("$%\"'\\#:;?@\n"))
def test_a_root_that_configuration_files_cannot_carry_is_refused(character):
    with pytest.raises(LabError, match="LAB_ROOT"):
        settings(LAB_ROOT=f"/tmp/a{character}b")


def test_keystone_has_one_process_and_stock_delegation_unless_told_otherwise():
    assert settings().keystone_workers == 1
    assert settings().voms_delegation is False
    both = settings(LAB_KEYSTONE_WORKERS="2", LAB_VOMS_DELEGATION="1")
    assert both.keystone_workers == 2
    assert both.voms_delegation is True
    empty = settings(LAB_KEYSTONE_WORKERS="", LAB_VOMS_DELEGATION="")
    assert empty == settings(LAB_VOMS_DELEGATION="0") == settings()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LAB_KEYSTONE_WORKERS", "0"),
        ("LAB_KEYSTONE_WORKERS", "9"),
        ("LAB_KEYSTONE_WORKERS", "two"),
        ("LAB_VOMS_DELEGATION", "yes"),
        ("LAB_VOMS_DELEGATION", "2"),
        ("ISOLATION", "on"),
        ("ISOLATION", "OFF"),
        ("ISOLATION", "shared-project "),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name_and_text(name, text):
    with pytest.raises(LabError, match=f"{name} is {text!r}"):
        settings(**{name: text})


def test_users_share_a_project_in_isolation_unless_told_otherwise():
    assert settings().isolation == settings(ISOLATION="").isolation == "shared-project"
    assert [settings(ISOLATION=word).isolation for word in ISOLATION] == [*ISOLATION]
    assert len(ISOLATION) == 3


def test_a_root_with_spaces_is_taken():
    assert settings(LAB_ROOT="/tmp/my lab").root == Path("/tmp/my lab")
