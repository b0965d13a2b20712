# SPDX-License-Identifier: Apache-2.0
"""The lab of mode production: which processes, which files, and what is refused."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab import (
    configuration,
    production,
    rendering,
    services,
    voms_client,
    voms_server,
)
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.run import network
from tests.lab.settings import (
    APACHE,
    EPMD,
    LONGEST_ROOT,
    MEMCACHED,
    OCCI,
    PORTS,
    PROCESSES,
    RABBITMQ,
    SERVICES,
    STORES,
    VOMSD,
    WORKERS,
    from_environ,
)

SOURCE = Path(__file__).resolve().parents[3]
OPENED_BY_WORKERS = re.compile("Mutex|Define [A-Z_]+_(CADIR|SOCKET|SESSIONS) ")


def settings(**environ):
    environ = {"LAB_PORT_BASE": "21000", **environ}
    return from_environ({"MODE": "production", **environ}, source=SOURCE)


@pytest.fixture
def here(tmp_path):
    return replace(settings(), root=tmp_path / "lab")


def test_a_lab_is_embedded_unless_told_otherwise():
    embedded = from_environ({}, source=SOURCE)
    assert from_environ({"MODE": ""}, source=SOURCE) == embedded
    assert not embedded.is_production
    assert services.names(embedded) == SERVICES
    assert settings().is_production


def test_another_mode_is_refused_by_its_text():
    with pytest.raises(LabError, match="MODE is 'prod'"):
        settings(MODE="prod")


def test_a_root_without_room_for_sockets_is_refused():
    with pytest.raises(LabError, match="white space"):
        settings(LAB_ROOT="/var/tmp/my lab")
    longest = "/" + "x" * (LONGEST_ROOT - 1)
    root = settings(LAB_ROOT=longest).root
    assert len(str(root / "run/keystone.sock").encode()) < 108
    with pytest.raises(LabError, match="shorter path"):
        settings(LAB_ROOT=longest + "x")


def test_keystone_has_as_many_processes_as_at_a_site():
    shipped = (SOURCE / "deploy/uwsgi/keystone-voms.ini").read_text()
    assert f"worker-processes={settings().keystone_workers}\n" in shipped
    assert settings(LAB_KEYSTONE_WORKERS="2").keystone_workers == 2


def test_every_process_of_production_is_started_once_and_after_what_it_needs():
    found = services.names(settings())
    assert set(found) == set(PROCESSES)
    doors, groups = services.steps(settings(), found)
    flat = [*doors, *(name for group in groups for name in group)]
    assert sorted([*flat, *STORES]) == sorted(found)
    assert {APACHE, "keystone", VOMSD} == set(doors)
    assert flat.index("nova-conductor") < flat.index("nova-compute")


def test_each_process_has_a_command_and_each_port_one_process():
    lab = settings(LAB_ROOT="/var/tmp/p")
    taken = [port for name in PROCESSES for port in services.ports(lab, name)]
    assert len(taken) == len(set(taken))
    own_network = lab.port(VOMSD)
    assert {lab.port(name) for name in PORTS} - set(taken) == {own_network}
    for name in ("keystone", "nova", OCCI, "neutron", *WORKERS):
        assert services.command(lab, name)[0].startswith(str(lab.venv))


def test_the_compute_host_knows_no_database(here):
    template = (SOURCE / "tests/lab/etc/nova.conf").read_text()
    values = rendering.words(here, password="pw", voms=True)
    text = rendering.render(template, here, values)
    assert text.count("mysql+pymysql") == 2
    assert "mysql" not in production.without_databases(text)
    command = services.command(here, "nova-compute")
    assert command[-1] == f"{here.etc}/nova-compute.conf"


def test_the_shipped_files_are_what_uwsgi_reads():
    lab = settings(LAB_ROOT="/var/tmp/p")
    for name, file in (
        ("keystone", "keystone-voms.ini"),
        (OCCI, "ooi.ini"),
        ("nova", "nova-api.ini"),
    ):
        command = services.command(lab, name)
        assert command[command.index("--ini") + 1] == f"{SOURCE}/deploy/uwsgi/{file}"


def test_the_parts_meet_at_the_queue_and_the_cache(here):
    values = rendering.words(here, password="pw", voms=True)
    queue = f"rabbit://lab:pw@127.0.0.1:{here.port(RABBITMQ)}/"
    assert values["transport_url"] == queue
    assert "pymemcache" in values["cache_backend"]
    embedded = replace(here, mode="embedded", keystone_workers=1)
    values = rendering.words(embedded, password="pw", voms=True)
    assert values["transport_url"] == "fake://"
    assert values["cinder_down_seconds"] == "31536000"


def test_the_environment_of_rabbitmq_names_nothing_of_the_system(here):
    environ = services.environ(here, RABBITMQ)
    mine = [v for k, v in environ.items() if k.startswith("RABBITMQ") and "/" in v]
    assert all(v.startswith((str(here.root), "/dev/null")) for v in mine)
    assert environ["ERL_EPMD_PORT"] == str(here.port(EPMD))
    assert "ERL_EPMD_PORT" not in services.environ(here, "nova")


@pytest.mark.parametrize("mode", ["shared-project", "off"])
def test_the_occi_endpoint_has_the_filter_where_nova_has_it(here, mode):
    here = replace(here, isolation=mode)
    configuration.make_folders(replace(here, mode="embedded"))
    here.mode_file.unlink()
    (here.root / "vomsd").mkdir()
    configuration.write(here)
    pipelines = [
        line
        for line in (here.etc / "ooi-api-paste.ini").read_text().splitlines()
        if line.startswith("pipeline =")
    ]
    assert len(pipelines) == 1
    assert ("vo_isolation" in pipelines[0]) is (mode == "shared-project")
    assert not configuration.differs(here, "ooi-api-paste.ini")
    assert not configuration.differs(here, "httpd.conf")


def test_apaches_workers_need_no_way_to_the_root_from_above():
    """They are www-data, who may not enter the folders above it."""
    lab = settings(LAB_ROOT="/var/tmp/p")
    assert services.command(lab, APACHE)[1:3] == ["-C", str(lab.root)]
    values = rendering.words(lab, password="pw", voms=True)
    template = (SOURCE / "tests/lab/etc/production/httpd.conf").read_text()
    lines = rendering.render(template, lab, values).splitlines()
    assert "Define LAB /proc/self/cwd" in lines
    opened = [line for line in lines if OPENED_BY_WORKERS.match(line)]
    assert len(opened) == 5
    assert [line for line in opened if "${LAB}/" not in line] == []


def test_a_root_keeps_its_mode(tmp_path, monkeypatch):
    root = tmp_path / "lab"
    monkeypatch.setenv("LAB_ROOT", str(root))
    monkeypatch.delenv("MODE", raising=False)
    embedded = replace(settings(MODE="embedded"), root=root)
    configuration.make_folders(embedded)
    with pytest.raises(LabError, match="MODE=embedded"):
        configuration.make_folders(replace(embedded, mode="production"))
    embedded.mode_file.write_text("production\n")
    assert Lab.from_environ().settings.is_production
    monkeypatch.setenv("MODE", "embedded")
    assert not Lab.from_environ().settings.is_production


def test_a_root_from_before_there_were_modes_is_embedded(tmp_path):
    lab = replace(settings(), root=tmp_path)
    assert configuration.mode_of_root(lab) == ""
    (tmp_path / "provisioned").touch()
    assert configuration.mode_of_root(lab) == "embedded"


def test_the_members_of_the_vo_are_the_grids_and_none_is_revoked():
    statements = voms_server.membership()
    people = {
        row[2].rpartition("=")[2]
        for text, row in statements
        if text.startswith("INSERT certificate")
    }
    assert people == {"alice", "bob", "carol"}
    places = [row for text, row in statements if text.startswith("INSERT m ")]
    groups = [row for text, row in statements if text.startswith("INSERT `groups`")]
    assert groups == [(1, "/dteam"), (2, "/dteam/NGI_TEST")]
    assert ("INSERT roles VALUES (%s, %s)", (1, "VO-Admin")) in statements
    assert places == [(1, 1, None), (2, 1, None), (3, 1, None), (3, 2, None), (3, 1, 1)]
    for text, row in statements:
        assert text.count("%s") == len(row)


def test_a_suspension_is_of_one_member_and_ends():
    ((text, row),) = voms_server.suspension("bob", "left")
    assert row[:2] == (1, "left") and row[2].endswith("/CN=bob")
    assert voms_server.suspension("bob", "")[0] == (text, (0, None, row[2]))


def test_a_client_is_told_everything_by_the_lab(here, monkeypatch):
    monkeypatch.setattr(voms_client.environment, "program", lambda name: f"/b/{name}")
    command = voms_client.command(here, 7, "alice", "--voms", "dteam")
    assert command[1:5] == ["-m", "tests.lab.run.network", "7", "/b/voms-proxy-init2"]
    assert command[-2:] == ["--voms", "dteam"]
    assert str(here.grid / "keys/alicecert.pem") in command
    assert command[command.index("--out") + 1] == f"{here.root}/proxies/alice.pem"
    command = voms_client.command(here, 7, "alice", "-out", "x")
    assert command.count("--out") == 0
    with pytest.raises(LabError, match="nobody"):
        voms_client.command(here, 7, "nobody")


def test_a_server_in_the_machines_own_network_does_not_count(here):
    assert "no network of its own" in voms_server.probe(here, os.getpid())


def test_a_program_does_not_start_where_no_network_can_be_had(monkeypatch, capsys):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(network, "_call", refused)
    monkeypatch.setattr(os, "execvp", lambda *_: pytest.fail("it was started"))
    monkeypatch.setattr("sys.argv", ["network", "new", "voms"])
    with pytest.raises(SystemExit, match="CAP_SYS_ADMIN"):
        network.main()


def test_memcached_is_there_for_keystone_of_any_size():
    assert MEMCACHED in services.names(settings(LAB_KEYSTONE_WORKERS="1"))
