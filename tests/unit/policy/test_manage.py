# SPDX-License-Identifier: Apache-2.0
"""vo-policy: its commands, what they print and how they exit."""

import sys
from types import SimpleNamespace

import pytest

import vo_policy_ext
from vo_policy_ext import rulesets
from vo_policy_ext.manage import main

STOP = "os_compute_api:servers:stop"
BOB = ("--user", "bob", "--project", "vo", "--roles", "member,reader")


@pytest.fixture
def run(capsys):
    def call(*arguments):
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture
def wrote(tmp_path):
    def write(name, text):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_generate_writes_each_service(run, tmp_path):
    out = tmp_path / "new" / "policy"
    status, printed, _ = run("generate", "--output", out)
    files = [out / s / "50-vo.yaml" for s in ("nova", "cinder", "glance")]
    assert (status, printed.splitlines()) == (0, [str(file) for file in files])
    for file in files:
        rules = rulesets.ruleset(file.parent.name, mode=rulesets.SHARED)
        assert file.read_text(encoding="utf-8") == rulesets.rendered(rules)


def test_generate_prints_one_service_of_a_mode(run):
    status, printed, _ = run(
        "generate", "--mode", "project-per-user", "--service", "glance"
    )
    rules = rulesets.ruleset("glance", mode=rulesets.PER_USER)
    assert (status, printed) == (0, rulesets.rendered(rules))


def test_generate_tells_where_it_cannot_write(run, wrote):
    status, _, error = run("generate", "--output", wrote("taken", ""))
    assert status == 2
    assert error.startswith("vo-policy: ") and "Not a directory" in error


def test_validate_takes_what_generate_writes(run, tmp_path):
    run("generate", "--output", tmp_path)
    status, printed, _ = run(
        "validate", *(tmp_path / s for s in ("nova", "cinder", "glance"))
    )
    assert status == 0
    assert [said.split(",")[0] for said in printed.splitlines()] == [
        "nova: ok",
        "cinder: ok",
        "glance: ok",
    ]


def test_validate_merges_a_folder_by_name(run, tmp_path, wrote):
    run("generate", "--service", "nova", "--output", tmp_path)
    wrote("nova/90-site.yaml", f'"{STOP}": "rule:vo_owner"')
    status, printed, _ = run("validate", tmp_path / "nova")
    first, second, last = printed.splitlines()
    assert status == 1
    assert first.startswith(f"{tmp_path}/nova/90-site.yaml:1: {STOP}: an admin gets")
    assert "a manager gets" in second
    assert last == "nova: 2 faults, 49 rules"
    wrote("nova/95-mend.yaml", f'"{STOP}": "rule:vo_write"')
    assert run("validate", tmp_path / "nova")[0] == 0


def test_validate_lets_policy_d_win_over_the_policy_file(run, wrote):
    base = wrote("policy.yaml", f'"{STOP}": "role:nobody"')
    late = wrote("late.yaml", f'"{STOP}": "rule:project_member_or_admin"')
    assert run("validate", base)[0] == 1
    assert run("validate", "--policy-file", base, late)[0] == 0
    assert run("validate", "--policy-file", late, base)[0] == 1


def test_validate_tells_of_a_wrong_policy_file(run, wrote):
    base = wrote("policy.yaml", "- no\n")
    late = wrote("late.yaml", f'"{STOP}": "rule:project_member_or_admin"')
    status, printed, _ = run("validate", "--policy-file", base, late)
    assert status == 1
    assert "the file is no list of rules" in printed


def test_validate_takes_a_policy_file_for_one_service_alone(run, tmp_path):
    run("generate", "--output", tmp_path)
    status, _, error = run(
        "validate",
        "--policy-file",
        tmp_path / "nova" / "50-vo.yaml",
        tmp_path / "nova",
        tmp_path / "cinder",
    )
    assert status == 2
    assert "--policy-file is for one service" in error


def test_validate_shows_what_cannot_steer_a_terminal(run, wrote):
    file = wrote("a.yaml", f'"{STOP}": "rule:\\e[31m or rule:project_member_or_admin"')
    status, printed, _ = run("validate", file)
    assert status == 1
    assert "\x1b" not in printed and "\\x1b[31m" in printed


def test_validate_asks_for_a_service_that_it_cannot_tell(run, wrote):
    file = wrote("a.yaml", '"vo_a": "role:x"')
    status, _, error = run("validate", file)
    assert status == 2
    assert "for which service is it? Say --service." in error
    assert run("validate", "--service", "nova", file)[0] == 0


def test_validate_tells_what_it_cannot_read(run, tmp_path):
    status, _, error = run("validate", tmp_path / "none.yaml")
    assert status == 2
    assert error == (
        f"vo-policy: {tmp_path}/none.yaml cannot be read: No such file or directory.\n"
    )


def test_validate_leaves_no_trace_of_oslo_policy(run, wrote, caplog):
    status, _, error = run(
        "validate", wrote("a.yaml", f'"{STOP}": "role:traceless or"')
    )
    assert (status, error, caplog.text) == (1, "", "")


def test_explain_answers_by_the_exit_status(run):
    status, printed, _ = run("explain", *BOB, "--owner", "alice", STOP)
    assert status == 1
    assert "verdict   denied by the filter" in printed
    status, printed, _ = run("explain", *BOB, STOP)
    assert status == 0
    assert printed.splitlines()[-1] == "verdict   allowed"


def test_explain_takes_a_mode(run):
    rule = "os_compute_api:servers:show"
    wanted = ("explain", *BOB, "--owner", "alice", rule)
    assert run(*wanted)[0] == 1
    assert run(*wanted, "--mode", "project-per-user")[0] == 0


def test_explain_takes_a_file(run, wrote):
    file = wrote("a.yaml", f'"{STOP}": "role:chief"')
    status, printed, _ = run("explain", *BOB, "--policy", file, STOP)
    assert status == 1
    assert "check     role:chief" in printed


@pytest.mark.parametrize(
    ("text", "reason"),
    [("- x", "no list of rules"), (f'"{STOP}": "x and"', "is no check string")],
)
def test_explain_leaves_a_wrong_file_to_validate(run, wrote, text, reason):
    status, _, error = run("explain", *BOB, "--policy", wrote("a.yaml", text), STOP)
    assert status == 2
    assert reason in error and "See vo-policy validate." in error


def test_explain_takes_another_project_and_attributes(run):
    wanted = ("explain", *BOB, "--target-project", "else", "get_image")
    assert run(*wanted)[0] == 1
    assert run(*wanted, "--target", "visibility=public")[0] == 0
    status, _, error = run(*wanted, "--target", "visibility")
    assert (status, "write NAME=VALUE" in error) == (2, True)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("vo_owner", "vo_owner is no rule of nova, cinder, glance"),
        ("context_is_admin", "is a rule of each of nova, cinder, glance"),
    ],
)
def test_explain_asks_for_a_service_that_it_cannot_tell(run, rule, reason):
    status, _, error = run("explain", *BOB, rule)
    assert (status, reason in error) == (2, True)
    assert run("explain", *BOB, "--service", "nova", rule)[0] in (0, 1)


def test_explain_refuses_a_rule_that_there_is_not(run):
    status, _, error = run("explain", *BOB, "--service", "nova", "compute:get")
    assert status == 2
    assert error == "vo-policy: nova 34 has no rule compute:get.\n"


@pytest.fixture
def stand_in(monkeypatch):
    """Put a module in the place of one that has a test of its own."""

    def put(name, **content):
        module = SimpleNamespace(**content)
        monkeypatch.setitem(sys.modules, f"vo_policy_ext.{name}", module)
        monkeypatch.setattr(vo_policy_ext, name, module, raising=False)

    return put


class NotInstalledError(LookupError):
    """As drift has it."""


def test_diff_targets_prints_the_differences(run, stand_in):
    found = {"nova": ("one", "two"), "cinder": (), "glance": ()}
    stand_in("drift", differences=found.get, NotInstalledError=NotInstalledError)
    status, printed, _ = run("diff-targets")
    assert status == 1
    assert printed.splitlines() == [
        "nova: 2 differences",
        "one",
        "two",
        "cinder: ok",
        "glance: ok",
    ]
    assert run("diff-targets", "--service", "glance")[:2] == (0, "glance: ok\n")


def test_diff_targets_tells_that_a_service_is_not_there(run, stand_in):
    def differences(service):
        raise NotInstalledError(f"{service} is not installed.")

    stand_in("drift", differences=differences, NotInstalledError=NotInstalledError)
    assert run("diff-targets", "--service", "nova") == (
        2,
        "",
        "vo-policy: nova is not installed.\n",
    )


def test_diff_targets_compares_what_is_installed(run, stand_in):
    def differences(service):
        if service in absent:
            raise NotInstalledError(f"{service} is not installed.")
        return ()

    stand_in("drift", differences=differences, NotInstalledError=NotInstalledError)
    absent = {"cinder", "glance"}
    status, printed, _ = run("diff-targets")
    assert status == 0
    assert printed.splitlines() == [
        "nova: ok",
        "cinder: not installed here, not compared",
        "glance: not installed here, not compared",
    ]
    absent = {"nova", "cinder", "glance"}
    status, _, said = run("diff-targets")
    assert status == 2
    assert "None of nova, cinder and glance is installed" in said


class LegacyFileError(ValueError):
    """As legacy has it."""


def test_migrate_legacy_prints_what_it_is_told(run, stand_in):
    stand_in("legacy", explained=lambda p: (str(p),), LegacyFileError=LegacyFileError)
    assert run("migrate-legacy", "policy.json") == (0, "policy.json\n", "")


def test_migrate_legacy_tells_what_it_cannot_read(run, stand_in):
    def explained(path):
        raise LegacyFileError(f"{path} is no JSON.")

    stand_in("legacy", explained=explained, LegacyFileError=LegacyFileError)
    assert run("migrate-legacy", "a.json") == (2, "", "vo-policy: a.json is no JSON.\n")


def test_wrong_use_is_told(run, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["validate"])
    assert stopped.value.code == 2
    assert "PATH" in capsys.readouterr().err
