# SPDX-License-Identifier: Apache-2.0
"""What the guide promises: each is about a command that it has, and can be broken."""

import json
from pathlib import Path

import pytest

from tests.guide import isolation, promises
from tests.guide.actions import Commands
from tests.guide.follow import OF_ALICE
from tests.guide.isolation import read_page
from tests.guide.promises import PROMISES, Told
from tests.guide.reader import VARIANTS, read
from tests.guide.shell import Result, split

SOURCE = Path(__file__).resolve().parents[3]
GUIDE = (SOURCE / "doc/source/install/index.rst").read_text()
PAGE = read_page(isolation.PAGE.read_text())
COMMANDS = [
    (action.section, command)
    for actions in (*(read(GUIDE, variant=one) for one in VARIANTS), PAGE)
    for action in actions
    if isinstance(action, Commands)
    for command in split(action.text)
]


def said(output, command="x"):
    return Result(command=command, status=0, output=output, errors="")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda one: one.command[:30])
def test_a_promise_is_about_a_command_of_the_guide(promise):
    assert any(promise.is_for(*one) for one in COMMANDS)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda one: one.command[:30])
def test_a_promise_can_be_broken(promise):
    assert promise.broken(said("something else\n"), Told())


def test_each_command_that_prints_what_the_text_says_has_a_promise():
    # The text's own numbers and words, where they stand in the guide.
    for text in ("prints ``201``", "``6 New,``", "``401``", "``ok`` to each step"):
        assert text in GUIDE
    for command in ("s_client", "ooi-manage probe", "voms-explain", "upgrade check"):
        assert any(command in one.command for one in PROMISES)


def test_what_a_user_types_is_typed_by_a_user():
    assert set(OF_ALICE) <= {section for section, _ in COMMANDS}


def test_check_config_has_to_look_and_to_find_just_what_is_wrong():
    lines = [f"ok     {name}" for name in sorted(promises.YET_TO_COME)]
    fine = "\n".join((*lines, "ok     Tokens", "       WRONG: a detail")) + "\n"
    bad = fine.replace("ok     Tokens", "WRONG  Tokens")
    assert promises.calls_wrong(set())(said(fine), Told()) == ""
    assert "Tokens" in promises.calls_wrong(set())(said(bad), Told())
    assert promises.calls_wrong({"Tokens"})(said(bad), Told()) == ""
    assert "did not look" in promises.calls_wrong(set())(said("ok     Tokens"), Told())


def test_the_logins_have_one_user_and_a_line_each(tmp_path, monkeypatch):
    log = tmp_path / "keystone.log"
    monkeypatch.setattr(promises, "KEYSTONE_LOG", log)
    login = f'INFO VOMS login: dn="{promises.ALICE}" vo=dteam\n'
    told = Told()
    log.write_text(login * 2)
    assert promises.is_logged_in(said("| user_id    | abc |\n"), told) == ""
    assert "2 lines" in promises.is_logged_in(said("| user_id    | abc |\n"), told)
    log.write_text(login * 9)
    assert "users" in promises.is_logged_in(said("| user_id    | def |\n"), told)


def test_a_token_of_the_old_api_is_that_of_the_same_user():
    told = Told(user_ids=["abc"])
    answer = {"access": {"token": {"id": "t"}, "user": {"id": "abc"}}}
    assert promises.is_a_v2_token(said(json.dumps(answer)), told) == ""
    answer["access"]["user"]["id"] = "def"
    assert "def" in promises.is_a_v2_token(said(json.dumps(answer)), told)
    assert "no answer" in promises.is_a_v2_token(said('{"access": []}'), told)


def test_each_step_of_the_probe_is_ok():
    steps = ("create", "become active", "delete", "be gone")
    lines = [f"{step:17} ok          0.86  seen" for step in steps]
    head = "https://x\nstep              verdict  seconds  what was seen"
    fine = "\n".join((head, *lines))
    assert promises.is_ok_throughout(said(fine), Told()) == ""
    assert promises.is_ok_throughout(said("\n".join(lines)), Told())
    failed = fine.replace("be gone           ok    ", "be gone           FAILED")
    assert failed != fine
    assert "be gone FAILED" in promises.is_ok_throughout(said(failed), Told())
    short = "\n".join((head, *lines[:1], *lines[2:]))
    wrong = "did not become active"
    assert wrong in promises.is_ok_throughout(said(short), Told())


def test_an_upgrade_check_may_warn_and_not_fail():
    fine = "| Result: Success   |\n| Result: Warning   |\n"
    assert promises.has_no_failure(said(fine), Told()) == ""
    assert "Failure" in promises.has_no_failure(
        said(fine + "| Result: Failure |"), Told()
    )
    assert promises.has_no_failure(said("| Result: Warning |"), Told())
    ended = Result(command="x", status=255, output=fine, errors="")
    assert "255" in promises.has_no_failure(ended, Told())
