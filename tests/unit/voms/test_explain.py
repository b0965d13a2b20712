# SPDX-License-Identifier: Apache-2.0
"""The command voms-explain: its two forms, its options, its exit status."""

from __future__ import annotations

import json
import re
import runpy
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from keystone_voms_ext.voms import explain
from keystone_voms_ext.voms.codes import CODES
from tests.grid.certs import Credential, make_proxy
from tests.unit.voms.site import (
    ALICE,
    FQANS,
    HOST,
    NOW,
    SUB,
    VOMS,
    Site,
    ac,
    cast,
    proxy,
)

ROOT = Path(__file__).resolve().parents[3]
AT = (NOW + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
KEYS = [
    "verdict",
    "dn",
    "issuer_dn",
    "vo",
    "fqans",
    "generic_attributes",
    "limited",
    "not_after",
    "code",
    "error",
]


class Command:
    """voms-explain at a site: ``run`` and ``json`` judge a chain."""

    def __init__(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        self.site = site
        self.capsys = capsys
        self.file = site.root / "proxy.pem"

    def options(self, *more: str) -> list[str]:
        root = self.site.root
        places = ["--vomsdir", str(root / "vomsdir")]
        places += ["--ca-dir", str(root / "certificates"), "--at", AT]
        return [*places, *more, str(self.file)]

    def run(self, chain: Credential | bytes, *more: str) -> tuple[int, str]:
        """Return the exit status and what was printed."""
        self.site.write()
        pem = chain if isinstance(chain, bytes) else chain.pem()
        self.file.write_bytes(pem)
        status = explain.main(self.options(*more))
        printed = self.capsys.readouterr()
        assert printed.err == ""
        return status, printed.out

    def json(self, chain: Credential | bytes, *more: str) -> tuple[int, dict[str, str]]:
        """Return the exit status and the object that was printed."""
        status, text = self.run(chain, "--json", *more)
        found = json.loads(text)
        assert list(found) == KEYS
        return status, found


@pytest.fixture
def command(site: Site, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command at a good site."""
    return Command(site, capsys)


def test_accepted_as_json(command: Command) -> None:
    end = NOW + timedelta(hours=2)
    made = proxy(ac=ac(generic=[("nickname", "al\u00e9", "dteam")], not_after=end))
    assert command.json(made) == (
        0,
        {
            "verdict": "accept",
            "dn": ALICE,
            "issuer_dn": SUB,
            "vo": "dteam",
            "fqans": list(FQANS),
            "generic_attributes": [
                {"name": "nickname", "value": "al\u00e9", "qualifier": "dteam"}
            ],
            "limited": False,
            "not_after": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "code": None,
            "error": None,
        },
    )


def test_refused_as_json_says_nothing_that_was_not_verified(command: Command) -> None:
    status, found = command.json(proxy(ac=ac(not_after=NOW)))
    assert (status, found["verdict"], found["code"]) == (1, "reject", "ac_expired")
    assert found["error"].endswith(CODES["ac_expired"].mend)
    assert [key for key in KEYS if found[key] is not None] == [
        "verdict",
        "code",
        "error",
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_certificate"),
        (b"\x00\xff binary", "no_certificate"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB", "pem_malformed"),
        (b"-----BEGIN CERTIFICATE REQUEST-----", "pem_malformed"),
        (b"a" * 200_001, "pem_too_large"),
    ],
)
def test_what_is_no_proxy_is_refused(
    command: Command, content: bytes, code: str
) -> None:
    status, found = command.json(content)
    assert (status, found["code"]) == (1, code)
    status, text = command.run(content)
    assert status == 1
    assert re.search(rf"\nthe file\n  refused  .*\[{code}, rule [12]", text)


def test_the_key_in_the_file_is_not_read(command: Command) -> None:
    pem = proxy().pem()
    assert b"PRIVATE KEY" in pem
    garbled = re.sub(
        rb"(BEGIN [A-Z ]*PRIVATE KEY-----\n).*?(\n-----END)",
        rb"\1not base64 at all\2",
        pem,
        flags=16,
    )
    assert garbled != pem
    assert command.json(garbled)[0] == 0


def test_accepted_as_text(command: Command) -> None:
    command.site.vomsdir_files[f"ops/{HOST}.lsc"] = f"{VOMS}\n{SUB}\n".encode()
    acs = [
        ac(generic=[("n\n", "\x1b[31m", "q")]),
        ac(vo="ops", fqans=["/ops", "/ops/a"]),
        ac(vo="other", fqans=["/other"]),
    ]
    status, text = command.run(proxy(limited=True, ac=acs))
    assert status == 0
    lines = text.splitlines()
    assert text.isascii()
    assert "\x1b" not in text
    for line in (
        f"file          {command.file}",
        f"moment        {AT}",
        f"DN            {ALICE}",
        f"issued by     {SUB}",
        "VO            dteam",
        f"FQAN          {FQANS[1]}",
        r"attribute     n\n = \x1b[31m (q)",
        "limited       yes",
        f"VOMS server   {HOST}, {VOMS}",
        "further VO    ops: /ops, /ops/a",
        "set aside     other: vomsdir has no directory for it",
    ):
        assert line in lines
    checks = [line for line in lines if line.startswith("  ok ")]
    assert (
        "  ok       the certificate is not over [certificate_expired, rule 6, "
        "RFC 5280 6.1.3 (a)(2)]" in checks
    )
    assert {"AC of dteam", "AC of ops", ALICE, SUB, VOMS} <= set(lines)
    assert "refused" not in lines


def test_refused_as_text(command: Command) -> None:
    status, text = command.run(proxy(ac=ac(not_after=NOW)))
    assert status == 1
    lines = text.splitlines()
    assert lines[-1] == f"what to do    {CODES['ac_expired'].mend}"
    assert lines[-2] == "refused"
    (refused,) = (line for line in lines if line.startswith("  refused  "))
    assert "[ac_expired, rule 15, " in refused
    # The heading under which it stands.
    before = lines[: lines.index(refused)]
    assert [line for line in before if not line.startswith("  ")][-1] == "AC of dteam"
    assert "accepted" not in lines
    assert FQANS[1] not in text


def codes_seen(text: str) -> set[str]:
    return set(re.findall(r"  ok .*\[(\w+),", text))


def test_checks_with_nothing_to_look_at_are_not_called_ok(command: Command) -> None:
    about_crls = {
        "crl_unreadable",
        "crl_unverified",
        "crl_missing",
        "crl_not_yet_valid",
        "crl_expired",
        "certificate_revoked",
    }
    seen = codes_seen(command.run(proxy())[1])
    assert about_crls <= seen
    assert "ac_not_for_this_host" not in seen
    assert not about_crls & codes_seen(command.run(proxy(), "--crl-policy", "off")[1])
    for name in ("00000000.r0", "00000001.r0"):
        del command.site.ca_files[name]
        (command.site.root / "certificates" / name).unlink()
    status, text = command.run(proxy(), "--crl-policy", "if_present")
    assert status == 0
    assert about_crls & codes_seen(text) == {"crl_unreadable"}


def test_limited(command: Command) -> None:
    made = proxy(limited=True)
    assert command.json(made)[1]["limited"] is True
    status, found = command.json(made, "--no-limited")
    assert (status, found["code"]) == (1, "limited_proxy_refused")


def test_moment(command: Command) -> None:
    status, found = command.json(proxy(), "--at", "2100-01-01T00:00:00Z")
    assert (status, found["code"]) == (1, "certificate_expired")


def test_host_names(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def full_name() -> str:
        asked.append(True)
        return "cloud.example.org"

    monkeypatch.setattr(socket, "getfqdn", full_name)
    assert command.json(proxy())[0] == 0
    assert asked == []
    here = proxy(ac=ac(targets=["cloud.example.org"]))
    there = proxy(ac=ac(targets=["other.example.org"]))
    assert command.json(here)[0] == 0
    assert command.json(there)[1]["code"] == "ac_not_for_this_host"
    assert command.json(there, "--hostname", "other.example.org")[0] == 0
    named = ("--hostname", "a.example.org", "--hostname", "b.example.org")
    assert command.json(here, *named)[1]["code"] == "ac_not_for_this_host"


@pytest.mark.parametrize("missing", ["certificates", "vomsdir", "proxy.pem"])
def test_what_cannot_be_read(
    command: Command, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    # Even a refusal is no answer while the set-up is not whole.
    command.run(make_proxy(cast().alice))
    path = command.site.root / missing
    path.rename(path.with_name("elsewhere"))
    assert explain.main(command.options("--json")) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("voms-explain: ")
    assert str(path) in printed.err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--at", "yesterday"],
        ["--at", "9999-12-31T23:59:59Z"],
        ["--crl-policy", "never"],
        ["--insecure"],
        ["a", "b"],
    ],
)
def test_wrong_use(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        explain.main(wrong)
    assert caught.value.code == 2
    assert "usage: voms-explain" in capsys.readouterr().err


def test_the_environment_of_grid_tools(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.run(proxy())
    root = command.site.root
    monkeypatch.setenv("X509_USER_PROXY", str(command.file))
    monkeypatch.setenv("X509_VOMS_DIR", str(root / "vomsdir"))
    monkeypatch.setenv("X509_CERT_DIR", str(root / "certificates"))
    assert explain.main(["--at", AT]) == 0


def test_as_a_module(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command.run(proxy())
    for arguments, status in ((command.options(), 0), (["--nonsense"], 2)):
        monkeypatch.setattr(sys, "argv", ["voms-explain", *arguments])
        with pytest.raises(SystemExit) as caught:
            runpy.run_module("keystone_voms_ext.voms", run_name="__main__")
        assert caught.value.code == status


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_imports_the_validator_alone() -> None:
    done = python("-X", "importtime", "-m", "keystone_voms_ext.voms", "--help")
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "keystone_voms_ext.voms.validate" in modules
    packages = {name.partition(".")[0] for name in modules}
    assert not [name for name in packages if re.match("oslo|keystone(?!_voms)", name)]
