# SPDX-License-Identifier: Apache-2.0
"""clients.env means the same to a shell and to a test."""

import subprocess
from pathlib import Path

import pytest

from tests.lab.clients_env import (
    CONFLICTS,
    admin_variables,
    environ_for,
    parse,
    render,
    variables,
)
from tests.lab.settings import from_environ

LAB = from_environ(
    {"LAB_ROOT": "/var/tmp/my lab's not", "LAB_PORT_BASE": "21000"}
    | {"LAB_ROOT": "/var/tmp/my (lab) & co"},
    source=Path("/srv"),
)
STALE = {name: "stale" for name in CONFLICTS}
REQUIRED = (
    "OS_AUTH_URL",
    "OS_CACERT",
    "OS_AUTH_TYPE",
    "OS_X509_USER_PROXY",
    "OS_PROJECT_NAME",
    "OS_PROJECT_DOMAIN_NAME",
    "OS_IDENTITY_API_VERSION",
    "OS_ADMIN_AUTH_FILE",
    "OCCI_ENDPOINT",
    "LAB_PROXIES",
    "LAB_VOMSDIR",
    "LAB_CADIR",
    "LAB_LOGS",
    "LAB_GRID_KEYS",
)


def sourced(*files, environ):
    """Return the variables of a shell that has read files."""
    script = "".join(f'. "{file}"; ' for file in files) + "env -0"
    done = subprocess.run(
        ["/bin/sh", "-euc", script], env=environ, capture_output=True, check=True
    )
    return dict(item.split("=", 1) for item in done.stdout.decode().split("\0") if item)


@pytest.fixture
def files(tmp_path):
    client, admin = tmp_path / "clients.env", tmp_path / "admin.env"
    client.write_text(render("A client.", variables(LAB)))
    admin.write_text(render("An admin.", admin_variables(LAB, "s3cret $pw 'x'")))
    return client, admin


def test_everything_that_clients_need_is_there():
    found = variables(LAB)
    assert [name for name in REQUIRED if not found.get(name)] == []


def test_the_occi_endpoint_has_no_trailing_slash():
    assert variables(LAB)["OCCI_ENDPOINT"] == "http://127.0.0.1:21003/occi1.1"


def test_a_shell_and_parse_read_the_same(files):
    client, _ = files
    shell = sourced(client, environ={})
    assert parse(client.read_text()) == variables(LAB)
    assert {name: shell[name] for name in variables(LAB)} == variables(LAB)


def test_what_another_cloud_left_in_the_shell_is_gone(files):
    client, _ = files
    shell = sourced(client, environ=STALE)
    assert "stale" not in shell.values()
    assert "stale" not in environ_for(STALE, parse(client.read_text())).values()


def test_the_admin_file_replaces_the_voms_login(files):
    shell = sourced(*files, environ=STALE)
    assert shell["OS_AUTH_TYPE"] == "password"
    assert shell["OS_PASSWORD"] == "s3cret $pw 'x'"
    assert shell["OS_PROJECT_NAME"] == "admin"
    assert "OS_X509_USER_PROXY" not in shell
    assert shell["OCCI_ENDPOINT"] == variables(LAB)["OCCI_ENDPOINT"]


def test_the_admin_file_is_enough_alone(files):
    _, admin = files
    shell = sourced(admin, environ={})
    assert shell["OS_AUTH_URL"] == "https://127.0.0.1:21000/v3"
    assert shell["OS_CACERT"] == variables(LAB)["OS_CACERT"]


def test_the_client_comes_back_after_the_admin(files):
    client, admin = files
    shell = sourced(admin, client, environ={})
    assert shell["OS_AUTH_TYPE"] == "v3voms"
    assert "OS_PASSWORD" not in shell
    assert "OS_USERNAME" not in shell


def test_other_variables_of_the_caller_are_kept():
    base = {"PATH": "/bin", "HOME": "/home/u", "OS_PASSWORD": "stale"}
    assert environ_for(base, {"A": "b"}) == {
        "PATH": "/bin",
        "HOME": "/home/u",
        "A": "b",
    }
