# SPDX-License-Identifier: Apache-2.0
"""The shipped configuration of web servers is read by the programs it is for.

A program that this machine has not got is not asked; CI has Apache, HAProxy and
uWSGI through the lab of mode production.
"""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.environment import search_path
from tests.lab.settings import from_environ

SOURCE = Path(__file__).resolve().parents[3]
DEPLOY = SOURCE / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*"))
INIS = sorted((DEPLOY / "uwsgi").glob("*.ini"))
SITES = sorted((DEPLOY / "apache").glob("*.conf"))


def found(name):
    return shutil.which(name, path=search_path())


def directives(file):
    """Return the directives of an Apache file with their arguments."""
    lines = [line.strip() for line in file.read_text().splitlines()]
    pairs = [line.partition(" ") for line in lines if line and line[0] not in "#<"]
    return {name: value.strip() for name, _, value in pairs}


def test_there_is_something_to_check():
    assert len(UNITS) == 4 and len(INIS) == 3 and len(SITES) == 2


def test_apache_passes_a_whole_chain_on_and_resumes_no_session():
    site = directives(DEPLOY / "apache/keystone-voms.conf")
    assert site["SSLSessionCache"] == "none"
    assert site["SSLSessionTickets"] == "off"
    assert site["SSLCARevocationCheck"] == "chain"
    assert site["SSLVerifyClient"] == "optional"
    assert int(site["SSLVerifyDepth"]) >= 10
    assert site["SSLOptions"] == "+StdEnvVars +ExportCertData"
    assert site["GridSiteEnvs"] == "off"


@pytest.mark.parametrize("file", SITES, ids=lambda file: file.name)
def test_every_value_of_a_site_has_a_default_and_is_told_about(file):
    text = file.read_text()
    used = set(re.findall(r"\$\{(\w+)\}", text))
    defined = set(re.findall(r"^\s+Define (\w+) \S", text, re.MULTILINE))
    told = set(re.findall(r"^#   ([A-Z_]+) ", text, re.MULTILINE))
    without_default = {"KEYSTONE_VOMS_PREFIX", "KEYSTONE_VOMS_NO_LISTEN"}
    assert used - without_default == defined
    assert used | (told & without_default) == told


@pytest.mark.parametrize("file", INIS, ids=lambda file: file.name)
def test_uwsgi_takes_a_chain_and_ends_when_it_should(file):
    options = {}
    for line in file.read_text().splitlines():
        name, _, value = line.partition(" = ")
        options.setdefault(name, value)
    assert int(options["buffer-size"]) == 65535
    assert options["need-app"] == options["die-on-term"] == "true"
    for placeholder in re.findall(r"%\(([\w-]+)\)", file.read_text()):
        assert f"set-placeholder = {placeholder}=" in file.read_text()


@pytest.mark.parametrize("file", INIS, ids=lambda file: file.name)
def test_a_placeholder_before_the_file_beats_the_one_in_it(file, tmp_path):
    program = from_environ({}, source=SOURCE).venv / "bin/uwsgi"
    done = subprocess.run(
        [
            program,
            "--show-config",
            *("--set-placeholder", f"unix-socket={tmp_path}/none/x.sock"),
            *("--set-placeholder", "tcp-address=192.0.2.1:9"),
            *("--set-placeholder", "worker-processes=7"),
            *("--ini", str(file)),
        ],
        capture_output=True,
        text=True,
        timeout=30,
    )
    # Neither place can be bound: it ends where it has read its configuration.
    shown = done.stdout + done.stderr
    assert "processes = 7\n" in shown, shown
    assert f"{tmp_path}/none/x.sock\n" in shown or "192.0.2.1:9\n" in shown
    assert "unrecognized" not in shown and "cannot use" not in shown


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_systemd_understands_a_unit(file, tmp_path):
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str
    parser.read_string(file.read_text())
    assert parser.has_section("Service")
    if file.suffix != ".service" or not found("systemd-analyze"):
        return
    # It asks for the program as well, which may be elsewhere here.
    copy = tmp_path / file.name
    text = file.read_text().replace("/usr/bin/uwsgi", "/bin/true")
    copy.write_text(re.sub(r"(?m)^(User|Group|Supp\w+)=.*$", r"\1=root", text))
    done = subprocess.run(
        [found("systemd-analyze"), "verify", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )
    ours = [line for line in done.stderr.splitlines() if file.name in line]
    assert ours == []


def test_only_the_group_of_apache_reaches_the_socket():
    unit = (DEPLOY / "systemd/keystone-voms.service").read_text()
    ini = (DEPLOY / "uwsgi/keystone-voms.ini").read_text()
    assert "RuntimeDirectory=keystone-voms\n" in unit
    assert "RuntimeDirectoryMode=0750\n" in unit and "Group=www-data\n" in unit
    assert "unix-socket=/run/keystone-voms/uwsgi.sock\n" in ini
    assert "chmod-socket = 660\n" in ini
    site = (DEPLOY / "apache/keystone-voms.conf").read_text()
    assert "Define KEYSTONE_VOMS_SOCKET /run/keystone-voms/uwsgi.sock\n" in site


def test_haproxy_takes_away_what_a_client_sent_before_it_adds_its_own():
    lines = [
        line.strip()
        for line in (DEPLOY / "haproxy/keystone-voms.cfg").read_text().splitlines()
    ]
    rules = [line for line in lines if line.startswith("http-request")]
    assert [rule.split()[1] for rule in rules] == ["del-header"] * 2 + [
        "set-header"
    ] * 2
    removed = [re.compile(rule.split()[2]) for rule in rules[:2]]
    assert not any(" if " in rule for rule in rules[:2])
    # A gateway makes one variable of each spelling.
    for name in ("client-cert", "client-cert-chain", "x-ssl-client-chain-der"):
        for spelling in (name, name.replace("-", "_"), name.replace("-", "_", 1)):
            assert any(one.search(spelling) for one in removed), spelling


def test_haproxy_reads_the_shipped_file(tmp_path):
    program = found("haproxy")
    if program is None:
        pytest.skip("apt-get install haproxy for this test; CI does")
    made = tmp_path / "grid"
    made.mkdir()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-subj", "/CN=localhost", "-days", "2"),
            *("-keyout", str(made / "key.pem"), "-out", str(made / "cert.pem")),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    certificate = (made / "cert.pem").read_text()
    (made / "keystone.pem").write_text(certificate + (made / "key.pem").read_text())
    (made / "igtf.pem").write_text(certificate)
    text = (DEPLOY / "haproxy/keystone-voms.cfg").read_text()
    text = text.replace("crl-file /etc/haproxy/crls.pem ", "")
    changed = tmp_path / "haproxy.cfg"
    changed.write_text(text.replace("/etc/haproxy/", f"{made}/"))
    done = subprocess.run(
        [program, "-c", "-f", str(changed)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
