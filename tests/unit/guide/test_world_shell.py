# SPDX-License-Identifier: Apache-2.0
"""The shell that follows the guide: sessions, failures and whole commands."""

import os
import re

import pytest

from tests.guide.actions import GuideError
from tests.guide.shell import Shell, split

BLOCK = """\
cat > rules.json <<EOF
[{"local": 1}]
EOF
openstack mapping create --rules rules.json \\
    egi.eu

# what only a person reads
for id in $(list); do
    set $id
done
list | grep 'two
lines' |
    wc -l
unset X"""


@pytest.fixture
def shell(tmp_path):
    made = Shell({"PATH": os.environ["PATH"]}, folder=tmp_path, scratch=tmp_path / "s")
    yield made
    made.close()


def test_a_block_falls_into_whole_commands():
    assert [command.split()[0] for command in split(BLOCK)] == [
        "cat",
        "openstack",
        "for",
        "list",
        "unset",
    ]
    assert split(BLOCK)[0].endswith("\nEOF")


@pytest.mark.parametrize("text", ["for x in 1; do", "cat <<EOF\nx", "echo 'x", "a \\"])
def test_a_command_without_an_end_is_an_error(text):
    with pytest.raises(GuideError, match="no end"):
        split(text)


def test_what_a_command_exports_holds_for_the_next(shell):
    shell.run("export A=1; B='two words'")
    assert shell.run('echo "$A $B"').output == "1 two words\n"
    shell.run("unset A")
    assert shell.run("echo ${A-none}").lines == ["none"]


@pytest.mark.parametrize(
    "command", ["false; true", "false | true", "echo $NONE", "x=("]
)
def test_a_failure_is_an_error_wherever_it_is(shell, command):
    with pytest.raises(GuideError, match=r"status [12]\b"):
        shell.run(command)


def test_a_failure_in_a_loop_is_not_covered_by_the_next_round(shell):
    with pytest.raises(GuideError, match="status 1"):
        shell.run("for x in 1 2; do\n test $x = 2\ndone")


def test_the_error_holds_what_the_command_said(shell):
    with pytest.raises(GuideError, match=re.escape("out\nerr\n")):
        shell.run("echo out; echo err >&2; exit 3")


def test_a_failure_that_is_expected_leaves_the_session_alive(shell):
    found = shell.run("echo 0; false", may_fail=True)
    assert (found.status, found.lines, found.errors) == (1, ["0"], "")
    assert shell.run("echo on").status == 0
