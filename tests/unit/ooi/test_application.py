# SPDX-License-Identifier: Apache-2.0
"""The application of its own: its paste file, and which one is taken."""

import configparser
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ooi_ext import application

PASTE = Path(__file__).parents[3] / "paste"


def paste(name: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(delimiters=("=", ": "), strict=True)
    read.read(PASTE / name)
    return read


OURS = ("www_authenticate", "occi", "vo_isolation")


def test_the_pipeline_is_nova_s_with_three_filters_more() -> None:
    ours = paste("ooi-api-paste.ini")
    pipeline = ours["pipeline:occi_api"]["pipeline"].split()
    theirs = configparser.ConfigParser(strict=False)
    theirs.read(Path(sys.prefix) / "etc/nova/api-paste.ini")
    wanted = theirs["composite:openstack_compute_api_v21"]["keystone"].split()
    assert pipeline[0] == "www_authenticate"
    # What occi asks the application for passes the isolation.
    assert pipeline[-3:-1] == ["occi", "vo_isolation"]
    assert [f for f in pipeline if f not in OURS] == wanted
    for name in pipeline:
        section = f"{'app' if name == pipeline[-1] else 'filter'}:{name}"
        if name not in OURS:
            assert dict(ours[section]) == dict(theirs[section])


def test_nova_s_own_file_has_the_same_pipeline() -> None:
    for name in ("occi", "www_authenticate"):
        section = paste("nova-api-paste-occi.ini")[f"filter:{name}"]
        module, _, factory = section["paste.filter_factory"].partition(":")
        assert callable(getattr(importlib.import_module(module), factory))
    ours = paste("ooi-api-paste.ini")["pipeline:occi_api"]["pipeline"]
    mounted = paste("nova-api-paste-occi.ini")
    paths = dict(mounted["composite:osapi_compute"])
    assert list(paths) == ["/occi1.1", "/occi1.2", "/occi"]
    (app,) = set(paths.values())
    # Whether Nova's own port has the isolation, its own pipelines decide.
    alone = ours.replace(" vo_isolation ", " ")
    assert alone != ours
    assert mounted[f"composite:{app}"]["keystone"] == alone


def test_every_prefix_and_the_root_are_served() -> None:
    section = paste("ooi-api-paste.ini")["composite:osapi_compute"]
    served = {key for key, value in section.items() if value == "occi_api"}
    assert served == {"/occi1.1", "/occi1.2", "/occi", "/"}


def test_the_paste_file_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "nova"
    site.mkdir()
    shipped = PASTE / "ooi-api-paste.ini"
    environ = {"OS_NOVA_CONFIG_DIR": str(site)}
    assert application.paste_file(environ) == shipped
    own = site / "ooi-api-paste.ini"
    own.touch()
    assert application.paste_file(environ) == own
    other = tmp_path / "other.ini"
    environ["OS_OOI_PASTE"] = str(other)
    with pytest.raises(FileNotFoundError, match="other.ini.*OS_OOI_PASTE"):
        application.paste_file(environ)
    other.touch()
    monkeypatch.chdir(tmp_path)
    environ["OS_OOI_PASTE"] = "other.ini"
    assert application.paste_file(environ) == other


def test_the_paste_file_in_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "__file__", str(tmp_path / "lib/a/b.py"))
    monkeypatch.setattr(application.sysconfig, "get_path", lambda name: str(tmp_path))
    environ = {"OS_NOVA_CONFIG_DIR": str(tmp_path)}
    with pytest.raises(FileNotFoundError, match="Install the package again"):
        application.paste_file(environ)
    place = tmp_path / "share/fedcloud-openstack/paste"
    place.mkdir(parents=True)
    (place / "ooi-api-paste.ini").touch()
    assert application.paste_file(environ) == place / "ooi-api-paste.ini"


@pytest.mark.parametrize(
    ("files", "options"),
    [
        ("", "nova.conf"),
        ("api-paste.ini", "nova.conf"),
        ("api-paste.ini;nova.conf;more.conf", "nova.conf;more.conf"),
    ],
)
def test_nova_reads_its_options_and_not_its_paste_file(
    files: str, options: str
) -> None:
    environ = {"OS_NOVA_CONFIG_FILES": files} if files else {}
    ours = PASTE / "ooi-api-paste.ini"
    assert application.config_files(environ) == f"{ours};{options}"


def test_importing_starts_nothing() -> None:
    program = "import sys, ooi_ext.application; print('nova' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert run.stdout.strip() == "False", run.stderr


def test_a_process_that_serves_nova_already_is_refused(tmp_path: Path) -> None:
    program = (
        "import sys, types; sys.modules['nova.wsgi.osapi_compute'] = "
        "types.ModuleType('loaded'); import ooi_ext.application as a; a.load()"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert "RuntimeError: nova.wsgi.osapi_compute is loaded already" in run.stderr


def test_a_load_that_fails_says_why_each_time(tmp_path: Path) -> None:
    # Without a nova.conf there is nothing to serve, at the first call and later.
    program = (
        "import ooi_ext.application as a\n"
        "for _ in range(2):\n"
        "    try: a.load()\n"
        "    except BaseException as e: print(type(e).__name__, e)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OS_NOVA_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.stdout.count("nova.conf") == 2, run.stdout + run.stderr
