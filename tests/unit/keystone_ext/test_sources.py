# SPDX-License-Identifier: Apache-2.0
"""The mapping file is read again when it changes, and a bad one costs nothing."""

import logging
import os

import pytest

from keystone_voms_ext import sources
from keystone_voms_ext.voms.errors import SetupError

GOOD = '{"dteam": {"project": "%s"}}'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "voms.json"


def projects(file):
    return [entry.projects for entry in file.current().entries]


def replace(path, text):
    """Replace the file as an editor does: the name stays, the inode changes."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def test_a_changed_file_is_read_again(path):
    path.write_text(GOOD % "one")
    file = sources._MapFile(path)
    assert projects(file) == [("one",)]
    replace(path, GOOD % "two")
    assert projects(file) == [("two",)]


def test_a_broken_new_file_keeps_the_last_good_one_and_is_logged_once(path, caplog):
    path.write_text(GOOD % "one")
    file = sources._MapFile(path)
    assert projects(file) == [("one",)]
    replace(path, "{\n broken")
    with caplog.at_level(logging.ERROR):
        assert projects(file) == [("one",)]
        assert projects(file) == [("one",)]
    (record,) = caplog.records
    assert f"{path}, line 2: " in record.getMessage()
    assert "[mapping_not_json]" in record.getMessage()
    replace(path, GOOD % "three")
    assert projects(file) == [("three",)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "mapping_unreadable"),
        (b"\xff\xfe", "mapping_unreadable"),
        (b"{", "mapping_not_json"),
    ],
)
def test_without_any_good_version_there_is_an_error_until_it_is_mended(
    path, content, code
):
    if content is not None:
        path.write_bytes(content)
    file = sources._MapFile(path)
    for _ in range(2):
        with pytest.raises(SetupError) as caught:
            file.current()
        assert caught.value.code == code
        assert str(path) in str(caught.value)
    replace(path, GOOD % "one")
    assert projects(file) == [("one",)]
