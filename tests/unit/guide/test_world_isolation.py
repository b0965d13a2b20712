# SPDX-License-Identifier: Apache-2.0
"""Step 12 of the guide: which blocks of the page on isolation are followed."""

import pytest

from tests.guide import isolation
from tests.guide.actions import GuideError
from tests.guide.ini import options
from tests.guide.isolation import NOT_FOLLOWED, PAGE, by_hand, read_page
from tests.guide.shell import split

TEXT = PAGE.read_text()


def test_each_block_is_followed_or_has_its_reason():
    typed = "\n".join(action.text for action in read_page(TEXT))
    assert "pip install '.[policy]'" in typed
    assert typed.count("50-vo.yaml /etc/") == 3
    assert not [first for first in NOT_FOLLOWED if f"\n{first}\n" in f"\n{typed}\n"]


def test_a_new_block_is_followed_too():
    at = TEXT.index("Somebody is refused")
    more = TEXT[:at] + "Then::\n\n   vo-policy something\n\n" + TEXT[at:]
    assert len(read_page(more)) == len(read_page(TEXT)) + 1


@pytest.mark.parametrize("first", NOT_FOLLOWED)
def test_a_block_that_is_gone_takes_its_reason_with_it(first):
    assert TEXT.count(first) == 1
    with pytest.raises(GuideError, match="no block any more"):
        read_page(TEXT.replace(first, first.replace("o", "0")))


def test_a_file_that_is_printed_is_an_error_until_it_is_written():
    block = ".. code-block:: ini\n   :caption: in /etc/x\n\n   [a]\n   b = 1\n\n"
    at = TEXT.index("Somebody is refused")
    with pytest.raises(GuideError, match="caption"):
        read_page(TEXT[:at] + block + TEXT[at:])


def test_what_a_person_does_belongs_to_a_command():
    typed = [one for action in read_page(TEXT) for one in split(action.text)]
    for beginning in by_hand(None):
        assert any(command.startswith(beginning) for command in typed)


def test_the_settings_by_hand_are_those_that_the_page_names():
    for text in (isolation.CINDER, isolation.GLANCE, isolation.SERVICE_TOKENS):
        for _, name, _ in options(text):
            told = (
                name in TEXT
                or name
                in (PAGE.parents[3] / "policy/conf").joinpath("README.rst").read_text()
            )
            assert told, name
