# SPDX-License-Identifier: Apache-2.0
"""Following: real shells and files, and each way in which a guide can be wrong."""

import os
from pathlib import Path

import pytest

from tests.guide import people
from tests.guide.actions import Commands, File, GuideError
from tests.guide.follow import OF_ALICE, Follower
from tests.guide.people import People
from tests.guide.promises import Promise, prints
from tests.guide.reader import VARIANTS, read
from tests.guide.shell import Shell, split

SOURCE = Path(__file__).resolve().parents[3]
HERE = "1. Here"


@pytest.fixture
def everybody(tmp_path):
    def shell(name):
        environ = {"PATH": os.environ["PATH"], "ME": name}
        return Shell(environ, folder=tmp_path, scratch=tmp_path / name)

    made = People(administrator=shell("administrator"), alice=shell("alice"))
    yield made
    made.close()


def commands(text, *, section=HERE, line=7):
    return Commands(section=section, line=line, text=text)


def file(path, text, *, merge):
    return File(section=HERE, line=9, path=str(path), text=text, merge=merge)


def follower(everybody, *promises, by_hand=None):
    return Follower(people=everybody, by_hand=by_hand or {}, promises=promises)


def promise(command, expected, **more):
    return Promise(section=HERE, command=command, broken=prints(expected), **more)


def test_blocks_are_done_in_order_and_counted(everybody, tmp_path, capsys):
    conf = tmp_path / "x.conf"
    done = follower(everybody).follow(
        [
            commands("export A=1\nprintf '[a]\\nb = 1\\n' > x.conf\n"),
            file(conf, "[a]\nb = 2\n", merge=True),
            file(tmp_path / "whole", "text\n", merge=False),
            commands("grep 2 x.conf\ntest $A = 1\n"),
        ]
    )
    assert (done.blocks, done.commands, done.files) == (4, 4, 2)
    assert conf.read_text() == "[a]\nb = 2\n"
    assert (tmp_path / "whole").read_text() == "text\n"
    assert "  $ grep 2 x.conf\n    b = 2\n" in capsys.readouterr().out


def test_a_user_has_a_shell_of_his_own(everybody, capsys):
    mine = [commands("echo $ME\n"), commands("echo $ME\n", section=OF_ALICE[0])]
    follower(everybody).follow(mine)
    said = capsys.readouterr().out
    assert said.index("    administrator\n") < said.index("    alice\n")


def test_a_failure_names_the_line_the_command_and_what_it_said(everybody):
    with pytest.raises(GuideError) as caught:
        follower(everybody).follow([commands("true\necho why; false\n")])
    for text in ("Line 7", HERE, "echo why; false", "status 1", "\nwhy\n"):
        assert text in str(caught.value)


def test_a_broken_promise_is_a_failure(everybody):
    one = promise("echo", "2")
    with pytest.raises(GuideError, match="it printed '1', not '2'"):
        follower(everybody, one).follow([commands("echo 1\n")])
    assert follower(everybody, one).follow([commands("echo 2\n")]).commands == 1


def test_a_command_may_fail_where_the_text_says_so(everybody):
    may = promise("grep", "", may_fail=True)
    follower(everybody, may).follow([commands("echo x | grep y\necho on\n")])
    with pytest.raises(GuideError, match="status 1"):
        follower(everybody).follow([commands("echo x | grep y\n")])


def test_a_promise_without_a_command_is_a_failure(everybody):
    with pytest.raises(GuideError, match="belong to no command.*curl"):
        follower(everybody, promise("curl", "201")).follow([commands("true\n")])


def test_what_a_person_does_comes_before_the_command(everybody, tmp_path):
    by_hand = {"cat made": lambda: (tmp_path / "made").write_text("by hand")}
    follower(everybody, by_hand=by_hand).follow([commands("true\ncat made\n")])
    with pytest.raises(GuideError, match="belong to no command.*cat made"):
        follower(everybody, by_hand=by_hand).follow([commands("true\n")])


def test_a_file_has_to_be_where_the_guide_says(everybody, tmp_path):
    with pytest.raises(GuideError, match="no file .*none.conf"):
        missing = file(tmp_path / "none.conf", "[a]\nb = 1\n", merge=True)
        follower(everybody).follow([missing])
    with pytest.raises(GuideError, match="no folder"):
        missing = file(tmp_path / "none/whole", "text", merge=False)
        follower(everybody).follow([missing])
    drop_in = tmp_path / "a.service.d/b.conf"
    follower(everybody).follow([file(drop_in, "[Service]\n", merge=False)])
    assert drop_in.read_text() == "[Service]\n"


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_done_by_hand_belongs_to_a_command_of_the_guide(variant):
    guide = (SOURCE / "doc/source/install/index.rst").read_text()
    typed = [
        command
        for action in read(guide, variant=variant)
        if isinstance(action, Commands)
        for command in split(action.text)
    ]
    for beginning in people.by_hand(None, None):
        assert any(command.startswith(beginning) for command in typed)
