# SPDX-License-Identifier: Apache-2.0
"""The site before the guide, and the way into its namespaces."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.guide import __main__ as command
from tests.guide import site, world
from tests.guide.actions import GuideError
from tests.guide.reader import APACHE, HAPROXY
from tests.guide.unit_files import assignments
from tests.guide.units import Units
from tests.lab import rendering, services
from tests.lab.settings import WORKERS

SOURCE = Path(__file__).resolve().parents[3]
TEMPLATES = SOURCE / "tests/lab/etc"


def rendered(name):
    lab = site.settings()
    values = rendering.words(lab, password="secret", voms=False)
    text = rendering.render((TEMPLATES / name).read_text(), lab, values)
    return site.as_at_a_site(text, lab)


@pytest.mark.parametrize("name", [n for n in site.PLACES if n.endswith(".conf")])
def test_a_configuration_knows_neither_our_ca_nor_https(name):
    text = rendered(name)
    if name == "keystone.conf":
        text = site.keystone_conf(text)
    assert "cafile" not in text
    assert "https://" not in text
    assert f"{site.settings().etc}/" not in re.sub(r"\S+-policy.yaml", "", text)


def test_keystone_has_its_own_methods_and_nothing_of_ours():
    text = site.keystone_conf(rendered("keystone.conf"))
    assert "[voms]" not in text
    assert not re.search(r"(?m)^methods", text)
    assert f"log_file = {site.KEYSTONE_LOG}\n" in text
    assert "key_repository = /etc/keystone/fernet-keys\n" in text
    assert "memcache_servers" in text


def test_nova_has_no_login_in_a_section_that_takes_none():
    text = rendered("nova.conf")
    section = text.partition("[glance]\n")[2].partition("\n[")[0]
    assert section.split() == ["region_name", "=", "RegionOne"]
    assert text.count("auth_url = http://keystone.example.org:5000/v3\n") == 5


def test_each_service_has_a_unit_with_the_places_of_a_site(tmp_path):
    lab = site.settings()
    units = Units(root=tmp_path, state=tmp_path / "state")
    site.write_units(lab, units)
    assert set(site.UNITS) == {*services.APIS, *WORKERS}
    for service, name in site.UNITS.items():
        unit = units.load(name)
        assert unit.kind == ("simple" if service in WORKERS else "notify")
        (line,) = unit.commands("ExecStart")
        assert shlex.split(line)[0].startswith(str(lab.venv))
        assert f"{lab.etc}/" not in line.replace(f"{lab.etc}/api.ini", "")
        environ = assignments((tmp_path / f"etc/default/{name}").read_text())
        assert environ["OS_NOVA_CONFIG_DIR"] == "/etc/nova"
        assert not any("VOMS" in key for key in environ)


def test_no_service_of_the_site_finds_the_project_beside_the_lab():
    lab = site.settings()
    environ = site.unit_environ(lab, services.environ(lab, "nova"))
    assert str(lab.source) not in environ["PYTHONPATH"].split(":")
    assert str(site.LAB_PATH) in environ["PYTHONPATH"].split(":")


def test_the_packages_are_those_that_the_guide_installs():
    assert ["-y", "apache2", "gridsite"] in world.packages(APACHE)
    (words,) = world.packages(HAPROXY)
    assert {"haproxy", "gcc"} <= set(words)


def test_what_git_knows_is_exported_and_nothing_else(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "a").mkdir(parents=True)
    for name in ("a/known", "a/gone", "a/new", "ignored.pyc"):
        (source / name).write_text(name)
    (source / ".gitignore").write_text("*.pyc\n")
    with pytest.raises(GuideError, match="in a clone"):
        world.export(source, target)
    for words in (("init", "--quiet"), ("add", "a/known", "a/gone", ".gitignore")):
        subprocess.run(["git", *words], cwd=source, check=True)
    (source / "a/gone").unlink()
    world.export(source, target)
    found = {str(one.relative_to(target)) for one in target.rglob("*") if one.is_file()}
    assert found == {"a/known", "a/new", ".gitignore"}


def test_who_is_not_root_is_told_so(monkeypatch, capsys):
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert command.main(["apache"]) == 1
    assert "as root" in capsys.readouterr().err


def test_a_machine_without_namespaces_is_an_error(monkeypatch, capsys):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    refused = ("sh", "-c", "echo unshare: not permitted >&2; exit 1")
    monkeypatch.setattr(command, "NAMESPACES", refused)
    assert command.main(["apache"]) == 1
    assert "not permitted" in capsys.readouterr().err


def test_an_unknown_variant_is_refused():
    with pytest.raises(SystemExit):
        command.main(["nginx"])
