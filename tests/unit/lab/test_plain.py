# SPDX-License-Identifier: Apache-2.0
"""A plain lab: a site before it has any of our parts."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab import configuration, provision, services
from tests.lab.settings import (
    APACHE,
    CUSTOMARY_PORTS,
    OCCI,
    OFF,
    RABBITMQ,
    VOMSD,
    WORKERS,
    from_environ,
)

SOURCE = Path(__file__).resolve().parents[3]


def settings(plain=True):
    environ = {"MODE": "production", "LAB_PORT_BASE": "5000", "ISOLATION": OFF}
    return replace(from_environ(environ, source=SOURCE), plain=plain)


def test_the_services_have_the_ports_and_names_that_people_expect():
    assert settings().url("keystone") == "http://keystone.example.org:5000"
    assert settings().url("nova") == "http://nova.example.org:8774"
    assert settings(plain=False).url("nova") == "http://127.0.0.1:5003"
    taken = [
        port
        for name in services.names(settings())
        for port in services.ports(settings(), name)
    ]
    assert len(taken) == len(set(taken))
    assert set(CUSTOMARY_PORTS.values()) <= set(taken)


def test_nothing_runs_that_the_guide_brings():
    found = set(services.names(settings()))
    assert not found & {APACHE, OCCI, VOMSD}
    assert {RABBITMQ, *WORKERS} <= found
    assert {APACHE, OCCI, VOMSD} <= set(services.names(settings(plain=False)))


@pytest.mark.parametrize("service", sorted(CUSTOMARY_PORTS))
def test_each_api_is_openstacks_own(service):
    command = services.command(settings(), service)
    module = "nova.wsgi.osapi_compute" if service == "nova" else f"{service}.wsgi.api"
    assert f"api-module={module}" in command
    assert f"tcp-address=127.0.0.1:{CUSTOMARY_PORTS[service]}" in command
    assert not any(str(settings().deploy) in word for word in command)


def test_the_paste_files_are_those_of_the_packages(tmp_path):
    here = replace(settings(), root=tmp_path)
    configuration.make_folders(here)
    configuration.write(here)
    for name, (_, own) in configuration.PASTE.items():
        text = (here.etc / name).read_text()
        assert text.split() == (here.venv / own).read_text().split()
        assert "occi" not in text


class Asked:
    """An admin's session that keeps what it is told to make."""

    def __init__(self):
        self.made = []

    def call(self, method, service, path, body=None):
        if method != "GET":
            self.made.append(path)
            name = next(iter(body), "") if body else ""
            return {name: {"id": "new"}} if body else {}
        if path == "/roles":
            roles = ("admin", "service", provision.AUDITOR)
            return {"roles": [{"name": name, "id": name} for name in roles]}
        if path == "/services":
            return {"services": [{"name": "keystone", "id": "k"}]}
        found = path.strip("/").split("/")[-1].partition("?")[0]
        return {found: []}


def test_the_projects_of_vos_and_their_provider_are_left_to_the_guide():
    made = {}
    for plain in (True, False):
        cloud = Asked()
        provision.identity(settings(plain=plain), cloud, "secret")
        made[plain] = cloud.made
    assert not [path for path in made[True] if "FEDERATION" in path]
    assert [path for path in made[False] if "FEDERATION" in path]
    projects = {plain: made[plain].count("/projects") for plain in made}
    assert projects == {True: 2, False: 2 + len(provision.PROJECTS)}
