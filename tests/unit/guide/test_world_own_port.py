# SPDX-License-Identifier: Apache-2.0
"""OCCI on a port of its own: which blocks of its page are followed."""

import pytest

from tests.guide.actions import GuideError
from tests.guide.own_port import PAGE, PRINTED, PROMISES, SECTION, read_section
from tests.guide.shell import split

TEXT = PAGE.read_text()


def test_the_section_is_typed_but_for_what_it_shows():
    actions = read_section(TEXT)
    assert {action.section for action in actions} == {SECTION}
    typed = [one for action in actions for one in split(action.text)]
    assert "a2ensite occi" in typed
    assert not [command for command in typed if "WWW-Authenticate:" in command]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda one: one.command)
def test_each_promise_is_about_one_command(promise):
    typed = [one for action in read_section(TEXT) for one in split(action.text)]
    assert len([one for one in typed if promise.is_for(SECTION, one)]) == 1


def test_what_the_check_prints_is_on_the_page():
    with pytest.raises(GuideError, match="does not print"):
        read_section(TEXT.replace(PRINTED, "Something else"))


def test_a_file_that_is_printed_is_an_error_until_it_is_written():
    at = TEXT.index("Where clients get a token\n===")
    block = ".. code-block:: ini\n   :caption: in /etc/x\n\n   [a]\n   b = 1\n\n"
    with pytest.raises(GuideError, match="caption"):
        read_section(TEXT[:at] + block + TEXT[at:])
