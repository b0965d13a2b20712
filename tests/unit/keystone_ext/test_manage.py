# SPDX-License-Identifier: Apache-2.0
"""keystone-voms-manage without a Keystone: its command line, and what it prints."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime

import keystone.conf
import pytest

from keystone_voms_ext import conf, foretell, manage, mapping, sources
from keystone_voms_ext.identity import accounts, forecast, rights
from keystone_voms_ext.voms.errors import CredentialRefused

CONF = keystone.conf.CONF
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FILE = """{
  "dteam": {"project": "dteam"},
  "/dteam/NGI": {"project": "ngi"},
  "ops": {"project": "ops"}
}"""


@pytest.fixture
def mapped(tmp_path):
    """Let the options name a good mapping, and no other option be changed."""
    keystone.conf.configure()
    conf.register(CONF)
    path = tmp_path / "voms.json"
    path.write_text(FILE)
    CONF.set_override("voms_policy", str(path), group="voms")
    CONF.set_override("add_roles", True, group="voms")
    yield path
    CONF.clear_override("voms_policy", group="voms")
    CONF.clear_override("add_roles", group="voms")


def run(*arguments, **variables):
    keep = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from keystone_voms_ext.manage import main;sys.exit(main())",
            *arguments,
        ],
        env={**keep, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command", ["users", "map --dn x --vo y", "purge --inactive-days 1"]
)
def test_without_a_configuration_no_command_touches_a_database(command, tmp_path):
    done = run(*command.split(), HOME=str(tmp_path))
    assert done.returncode == 2 and not done.stdout
    assert "No configuration of Keystone is found" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "required"),
        (("other",), "invalid choice"),
        (("map",), "--proxy"),
        (("map", "--proxy", "x", "--dn", "y"), "not allowed with"),
        (("purge", "--inactive-days", "-1"), "--inactive-days"),
        (("purge", "--inactive-days", "1.5"), "not a number of days"),
        (("--config-file", "/nowhere.conf", "users"), "/nowhere.conf"),
    ],
)
def test_wrong_use_ends_with_2(arguments, text):
    done = run(*arguments)
    assert done.returncode == 2 and not done.stdout
    assert text in done.stderr and "Traceback" not in done.stderr


def test_a_configuration_that_is_none_ends_with_2(tmp_path):
    path = tmp_path / "keystone.conf"
    path.write_text("no section\n")
    done = run("users", OS_KEYSTONE_CONFIG_DIR=str(tmp_path))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert str(path) in done.stderr


def test_a_check_of_a_bare_configuration_goes_to_its_end(tmp_path):
    (tmp_path / "keystone.conf").write_text("[database]\nconnection = nothing\n")
    done = run("check-config", OS_KEYSTONE_CONFIG_DIR=str(tmp_path))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    titles = [line[7:] for line in done.stdout.splitlines() if line[:1] != " "]
    assert titles == [check.title for check in manage.status.CHECKS]


@pytest.mark.parametrize(
    ("vo", "fqans", "vos", "keys"),
    [
        (None, ["/dteam"], {"dteam": ("/dteam",)}, ["dteam"]),
        (
            None,
            ["/dteam/NGI", "/dteam"],
            {"dteam": ("/dteam/NGI", "/dteam")},
            ["dteam", "/dteam/NGI"],
        ),
        ("ops", [], {"ops": ()}, ["ops"]),
        (
            None,
            ["/ops", "/dteam/NGI", "/ops/x"],
            {"ops": ("/ops", "/ops/x"), "dteam": ("/dteam/NGI",)},
            ["ops", "dteam", "/dteam/NGI"],
        ),
        (
            "dteam",
            ["/ops"],
            {"dteam": (), "ops": ("/ops",)},
            ["dteam", "ops"],
        ),
        (None, ["/other"], {"other": ("/other",)}, []),
    ],
)
def test_fqans_belong_to_their_vos_and_the_primary_vo_comes_first(
    mapped, vo, fqans, vos, keys
):
    claim = foretell.claim_of_names("/CN=x", vo, fqans)
    assert claim.vos == vos and list(claim.vos) == list(vos)
    assert [entry.key for entry in claim.entries] == keys
    assert claim.not_after is None


def test_who_earns_nothing_is_refused(mapped):
    claim = foretell.claim_of_names("/CN=x", None, ["/other/a", "/other"])
    with pytest.raises(CredentialRefused) as caught:
        foretell.foresee(claim, at=NOW)
    found = foretell.refusal_object(caught.value)
    assert (found["code"], found["status"]) == ("vo_not_mapped", 401)
    assert found["verdict"] == "refuse" and found["dn"] == "/CN=x"
    assert "VO other" in found["what"] and "/other/a, /other" in found["what"]


def a_login(user_id, *, ends, project_id="p1"):
    entry = sources.voms_map().entries[0]
    assert isinstance(entry, mapping.Entry)
    project = rights.Project(
        name="dteam", id=project_id, domain_id="default", parent_id="default"
    )
    granted = rights.Granted(
        entry=entry, group="voms:dteam", projects=(project,), roles=(("r1", "member"),)
    )
    place = accounts.Place(group_id="g", group="voms:/dteam/NGI", until=NOW, live=True)
    right = forecast.Right(project_id="p2", project="ngi", role_id="r1", role="member")
    made = accounts.Made(kind="trust", id="t1", project_id="p2")
    return foretell.Login(
        claim=foretell.Claim(
            dn="/CN=x", vos={"dteam": ("/dteam",)}, entries=(entry,), not_after=ends
        ),
        granted=(granted,),
        forecast=forecast.Forecast(
            user_id=user_id,
            domain="Default",
            held=(forecast.Held(place=place, rights=(right,)),),
            lost=(right,),
            made=(made,),
            tokens_end=True,
        ),
        ends=NOW,
    )


def test_the_lines_of_a_known_user(mapped):
    lines = list(foretell.login_lines(a_login("u1", ends=NOW)))
    assert lines == [
        "DN            /CN=x",
        "VO            dteam: /dteam",
        "user          u1 in domain Default",
        f"entry         dteam ({mapped}, line 2)",
        "  group       voms:dteam",
        "  project     dteam (p1): member",
        "holds now     voms:/dteam/NGI, until 2026-11-24T12:00:00Z",
        "  project     ngi (p2): member",
        "would lose    member in ngi (p2)",
        "would end     trust t1 in project p2",
        "would end     the user's older tokens",
        "token         until 2026-11-24T12:00:00Z",
    ]


def test_the_lines_of_what_is_not_there_yet(mapped):
    text = "\n".join(foretell.login_lines(a_login(None, ends=None, project_id=None)))
    assert "user          would be created, in domain Default" in text
    assert "project     dteam (would be created): member" in text
    assert text.endswith("Z at most, and not after its proxy")
    CONF.set_override("add_roles", False, group="voms")
    text = "\n".join(foretell.login_lines(a_login("u1", ends=NOW)))
    assert "group       voms:dteam" not in text


def test_a_purge_and_its_dry_run_say_the_same_but_for_a_word():
    place = accounts.Place(group_id="g", group="voms:dteam", until=NOW, live=False)
    account = accounts.Account(
        id="u1",
        name="/CN=x",
        enabled=True,
        last_login=date(2026, 1, 1),
        places=(place,),
    )
    made = accounts.Made(kind="EC2 credential", id="e1", project_id="p1")
    loss = accounts.Loss(
        account=account, places=(place,), projects=frozenset({"p1"}), made=(made,)
    )
    dry = [line.strip() for line in manage._loss_lines(loss, "would ")]
    assert dry == [
        "would take user u1 out of voms:dteam",
        "would delete EC2 credential e1 in project p1",
        "would revoke the tokens of user u1",
    ]
    done = [line.strip() for line in manage._loss_lines(loss, "")]
    assert [f"would {line}" for line in done] == dry


def test_a_place_that_is_over_says_since_when():
    place = accounts.Place(group_id="g", group="voms:x", until=NOW, live=False)
    assert foretell.until(place) == "over since 2026-11-24T12:00:00Z"
    assert foretell.place_object(place) == {
        "group_id": "g",
        "group": "voms:x",
        "until": "2026-11-24T12:00:00Z",
        "live": False,
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/CN=Jos\u00e9 x", "/CN=Jos\u00e9 x"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\r\x00", "a\\nb\\r\\x00"),
        ("\u202eabc", "\\u202eabc"),
    ],
)
def test_a_name_cannot_steer_a_terminal(text, shown):
    assert manage._plain(text) == shown
