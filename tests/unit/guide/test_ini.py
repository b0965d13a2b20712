# SPDX-License-Identifier: Apache-2.0
"""Options that are put into an ini file, as oslo.config reads them afterwards."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oslo_config import iniparser

from tests.guide.actions import GuideError
from tests.guide.ini import merged, options


class Read(iniparser.BaseParser):
    """What oslo.config takes from a file: the values of each option, in order."""

    def __init__(self, text):
        super().__init__()
        self.values = {}
        self.section = None
        self.parse(text.splitlines(keepends=True))

    def new_section(self, section):
        self.section = section

    def assignment(self, key, value):
        self.values.setdefault((self.section, key), []).append("\n".join(value))


OLD = """\
# Keystone's

[DEFAULT]
debug = false

[auth]
# methods = all
methods = password,
  token
driver: sql
methods = other

[cache]
"""


@pytest.mark.parametrize(
    ("snippet", "old", "new"),
    [
        ("[DEFAULT]\ndebug = true\n", "debug = false", "debug = true"),
        (
            "[auth]\nmethods = voms\n",
            "methods = password,\n  token\ndriver: sql\nmethods = other\n",
            "methods = voms\ndriver: sql\n",
        ),
        ("[auth]\ndriver = ldap\n", "driver: sql", "driver = ldap"),
        ("[auth]\ntoken = voms\n", "= other\n", "= other\ntoken = voms\n"),
        ("[cache]\nenabled = true\n", "[cache]\n", "[cache]\nenabled = true\n"),
        ("[voms]\na = 1\n\n[auth]\n", "[cache]\n", "[cache]\n\n[voms]\na = 1\n"),
        ("[DEFAULT]\nx = 1\nx = 2\n", "= false\n", "= false\nx = 1\nx = 2\n"),
        ("\n", "", ""),
    ],
)
def test_an_option_goes_where_a_person_would_write_it(snippet, old, new):
    assert OLD.count(old) == 1 or old == new
    assert merged(OLD, snippet) == OLD.replace(old, new)


def test_a_file_that_was_empty_has_the_snippet():
    assert merged("", "[a]\nb = c\n") == "[a]\nb = c\n"
    assert merged("", "") == ""


def test_options_are_told_with_their_values():
    text = "[a b]\nc = d = e\nf:g\n\n[h]\ni =\n"
    assert options(text) == (("a b", "c", "d = e"), ("a b", "f", "g"), ("h", "i", ""))


@pytest.mark.parametrize(
    "text", ["a = b\n", "[a]\nb\n", "[a]\n# b\n", "[a]\n  b = c\n"]
)
def test_a_snippet_of_anything_else_is_refused(text):
    with pytest.raises(GuideError, match="is no option of a section. Print nothing"):
        merged(OLD, text)


NAMES = st.sampled_from(["DEFAULT", "auth", "voms"])
KEYS = st.sampled_from(["a", "b", "c-d", "e_f"])
VALUES = st.sampled_from(["", "1", "x = y", "q:r", "[z]", "# s", "two words"])
OPTIONS = st.builds(
    "{}{}{}".format, KEYS, st.sampled_from(["=", " = ", ":", ": "]), VALUES
)
CONTINUED = st.builds("{}\n  {}".format, OPTIONS, st.sampled_from(["x", "y = z", "#"]))
OTHERS = st.sampled_from(["", "# comment", "; a = b", "#[voms]"])
HEADS = NAMES.map("[{}]".format)


def texts(*kinds):
    """Return texts of sections, each a head and lines of some kinds."""
    body = st.lists(st.one_of(*kinds), max_size=5).map("\n".join)
    section = st.builds("{}\n{}\n".format, HEADS, body)
    return st.lists(section, max_size=4).map("".join)


@given(old=texts(OPTIONS, CONTINUED, OTHERS), snippet=texts(OPTIONS, CONTINUED))
@example(old="[voms]\na = 1\n[auth]\n[voms]\na = 2\n", snippet="[voms]\na = 3\n")
def test_what_was_asked_for_is_set_and_all_else_is_as_it_was(old, snippet):
    new = merged(old, snippet)
    before, asked, after = Read(old), Read(snippet), Read(new)
    assert after.values == {**before.values, **asked.values}
    assert merged(new, snippet) == new
    kept = iter(new.splitlines())
    for line in old.splitlines():
        if line.startswith(("#", ";", "[")):
            # In their order: each is found behind the one before.
            assert line in kept
    untouched = [key for key in before.values if key not in asked.values]
    assert [key for key in after.values if key in untouched] == untouched
    assert {(section, name) for section, name, _ in options(snippet)} == set(
        asked.values
    )
