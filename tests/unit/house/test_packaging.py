# SPDX-License-Identifier: Apache-2.0
"""The package builds from an export, and carries its data files."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from keystone_voms_ext import wsgi

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel built from a copy that has no .git."""
    place = tmp_path_factory.mktemp("export")
    export = place / "source"
    keep_out = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build")
    shutil.copytree(ROOT, export, ignore=keep_out)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", place, export],
        env={**os.environ, "PBR_VERSION": "0.1.0.dev0"},
        check=True,
        timeout=300,
    )
    (built,) = place.glob("*.whl")
    return zipfile.ZipFile(built)


def test_an_export_without_git_builds_and_carries_paste_and_policy(wheel):
    names = wheel.namelist()
    data = [n.partition(".data/data/")[2] for n in names if ".data/data/" in n]
    shipped = ("deploy", "paste", "policy", "schema")
    places = [p for d in shipped for p in (ROOT / d).rglob("*")]
    for path in places:
        if path.is_file():
            assert f"share/fedcloud-openstack/{path.relative_to(ROOT)}" in data
    tables = [p for p in (ROOT / "vo_policy_ext").rglob("*.csv")]
    assert tables
    for path in tables:
        assert str(path.relative_to(ROOT)) in names
    tops = {n.split("/")[0] for n in names if ".d" not in n.split("/")[0]}
    assert tops == {
        "keystone_voms_ext",
        "ooi_ext",
        "vo_policy_ext",
        "fedcloud_tempest_plugin",
    }


def test_the_client_extra_pulls_in_no_service(wheel):
    (metadata,) = (n for n in wheel.namelist() if n.endswith("dist-info/METADATA"))
    lines = wheel.read(metadata).decode().splitlines()
    needs = [line for line in lines if line.startswith("Requires-Dist")]
    base = [line for line in needs if "extra ==" not in line]
    client = [line for line in needs if "extra == 'client'" in line.replace('"', "'")]
    assert [line.split()[1].split(">")[0] for line in base] == ["cryptography"]
    assert [line.split()[1].split(">")[0] for line in client] == ["keystoneauth1"]


def test_every_entry_point_names_something_that_exists():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for group in setup["entry_points"].values():
        for line in group.strip().splitlines():
            module, _, attribute = line.partition("=")[2].strip().partition(":")
            code = f"import {module}; {module}.{attribute}"
            subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_paste_file_is_found_in_the_source_tree():
    assert wsgi.data_directory() == ROOT
    assert (ROOT / "paste" / "keystone-paste.ini").is_file()


def test_the_paste_file_is_found_in_an_installation(tmp_path, monkeypatch):
    share = tmp_path / "share" / "fedcloud-openstack" / "paste"
    share.mkdir(parents=True)
    monkeypatch.setattr(wsgi, "__file__", str(tmp_path / "lib" / "a" / "wsgi.py"))
    monkeypatch.setattr(wsgi.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(FileNotFoundError, match="OS_KEYSTONE_VOMS_PASTE"):
        wsgi.data_directory()
    (share / "keystone-paste.ini").write_text("[pipeline:main]\n")
    assert wsgi.data_directory() == tmp_path / "share" / "fedcloud-openstack"


def test_the_environment_variable_chooses_the_paste_file(monkeypatch):
    monkeypatch.setenv(wsgi.PASTE_VARIABLE, "/srv/my-paste.ini")
    assert wsgi.paste_file() == Path("/srv/my-paste.ini")
    monkeypatch.delenv(wsgi.PASTE_VARIABLE)
    assert wsgi.paste_file().name == "keystone-paste.ini"
