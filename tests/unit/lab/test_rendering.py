# SPDX-License-Identifier: Apache-2.0
"""The templates become configuration that oslo.config reads as meant."""

import configparser
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab import configuration
from tests.lab.errors import LabError
from tests.lab.rendering import render, render_folder, words
from tests.lab.settings import from_environ

SOURCE = Path(__file__).resolve().parents[3]
LAB = from_environ(
    {"LAB_ROOT": "/var/tmp/my lab", "LAB_PORT_BASE": "21000"}, source=SOURCE
)
VALUES = words(LAB, password="pw", voms=True)


def rendered(template):
    return render(template, LAB, VALUES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a reader of the lab's own templates, rendered."""
    target = tmp_path_factory.mktemp("etc")
    render_folder(SOURCE / "tests/lab/etc", target, LAB, VALUES)

    def read(name):
        # Strict: an option that stands twice in a section is an error.
        parser = configparser.ConfigParser(interpolation=None, strict=True)
        parser.read_string((target / name).read_text())
        return parser

    return read


def test_a_plain_word_is_replaced():
    assert rendered("log = @root@/log") == "log = /var/tmp/my lab/log"


def test_a_word_with_an_argument_is_replaced():
    assert rendered("@url glance@") == "http://127.0.0.1:21002"


@pytest.mark.parametrize("template", ["@rooot@", "@root x@", "@url@", "@database@"])
def test_an_unknown_word_is_an_error_that_shows_it(template):
    with pytest.raises(LabError, match=template):
        rendered(template)


def test_an_at_sign_that_is_no_word_stays():
    assert rendered("a@b, mysql://u:p@host/db@x") == "a@b, mysql://u:p@host/db@x"


@pytest.mark.parametrize(
    "name", ["placement", "glance-api", "nova", "neutron", "cinder"]
)
def test_every_service_trusts_the_lab_ca_and_nothing_else(folder, name):
    section = folder(f"{name}.conf")["keystone_authtoken"]
    assert section["auth_url"] == "https://127.0.0.1:21000/v3"
    assert section["cafile"] == "/var/tmp/my lab/grid/ca.pem"
    assert "insecure" not in section


def test_voms_is_the_last_method_and_external_is_none(folder):
    methods = folder("keystone.conf")["auth"]["methods"].split(",")
    assert methods[-1] == "voms"
    assert "ec2credential" in methods
    assert "external" not in methods


def test_without_the_plugin_keystone_is_not_told_of_it():
    values = words(LAB, password="pw", voms=False)
    text = render("methods = @auth_methods@\n@mapped_method@", LAB, values)
    assert "voms" not in text


def keystone_conf(voms=True, **setting):
    """Return the lab's keystone.conf in another setting."""
    changed = replace(LAB, **setting)
    template = (SOURCE / "tests/lab/etc/keystone.conf").read_text()
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    text = render(template, changed, words(changed, password="pw", voms=voms))
    parser.read_string(text)
    return parser


def test_voms_is_a_primary_method_where_the_lab_is_told_so():
    option = "additional_primary_auth_methods"
    assert option not in keystone_conf()["auth"]
    assert keystone_conf(voms_delegation=True)["auth"][option] == "voms"
    assert option not in keystone_conf(voms=False, voms_delegation=True)["auth"]


def test_several_processes_share_a_cache_that_one_has_to_itself():
    assert keystone_conf()["cache"]["backend"] == "oslo_cache.dict"
    cache = keystone_conf(keystone_workers=2)["cache"]
    assert cache["backend"] == "dogpile.cache.pymemcache"
    assert cache["memcache_servers"] == "127.0.0.1:21007"
    assert cache["enabled"] == "true"


def test_each_setting_of_keystone_shows_in_its_file(tmp_path):
    here = replace(LAB, root=tmp_path)
    configuration.make_folders(here)
    assert not configuration.differs(here, "keystone.conf")
    configuration.write(here)
    assert not configuration.differs(here, "keystone.conf")
    others = [{"keystone_workers": 2}, {"voms_delegation": True}]
    for setting in others:
        assert configuration.differs(replace(here, **setting), "keystone.conf")
    configuration.write(replace(here, keystone_workers=2))
    assert configuration.differs(replace(here, keystone_workers=3), "keystone.conf")


def isolated(tmp_path, mode):
    """Return the files of a lab in a mode, as they are written."""
    here = replace(LAB, root=tmp_path / mode, isolation=mode)
    configuration.make_folders(here)
    configuration.write(here)
    return here, {path.name: path.read_text() for path in here.etc.iterdir()}


def test_each_mode_has_its_own_rule_sets_filters_and_mapping(tmp_path):
    for mode, filtered, rules, per_user in (
        ("shared-project", True, "shared-project", "false"),
        ("project-per-user", False, "project-per-user", "true"),
        ("off", False, None, "false"),
    ):
        _, files = isolated(tmp_path, mode)
        for name in configuration.PASTE:
            assert ("vo_isolation" in files[name]) is filtered, (mode, name)
        for service, name in (
            ("nova", "nova.conf"),
            ("cinder", "cinder.conf"),
            ("glance", "glance-api.conf"),
        ):
            folder = f"policy_dirs = {SOURCE}/policy/{rules}/{service}\n"
            assert (folder in files[name]) is (rules is not None)
            assert ("policy_dirs" in files[name]) is (rules is not None)
        mapping = json.loads(files["voms.json"])
        assert json.dumps(mapping["dteam"]["project_per_user"]) == per_user
        ours = f"{SOURCE}/policy/conf"
        assert (f"{ours}/cinder/resource_filters.json" in files["cinder.conf"]) is (
            filtered
        )
        assert ("property_protection_file" in files["glance-api.conf"]) is filtered


def test_a_change_of_mode_changes_what_has_to_start_again(tmp_path):
    here, _ = isolated(tmp_path, "shared-project")

    def changed(mode):
        other = replace(here, isolation=mode)
        return {
            name
            for name, files in configuration.READ_AT_START.items()
            if any(configuration.differs(other, file) for file in files)
        }

    assert changed("shared-project") == set()
    # Keystone reads its mapping again by itself.
    assert changed("project-per-user") == {"glance", "nova", "cinder"}
    assert changed("off") == {"glance", "nova", "cinder"}
    (here.etc / "cinder-api-paste.ini").write_text("edited")
    assert changed("shared-project") == {"cinder"}


def test_each_service_has_a_database_of_its_own(folder):
    places = {
        "keystone.conf": "database",
        "placement.conf": "placement_database",
        "glance-api.conf": "database",
        "nova.conf": "database",
        "neutron.conf": "database",
        "cinder.conf": "database",
    }
    urls = [folder(file)[section]["connection"] for file, section in places.items()]
    assert len(set(urls)) == len(urls)
    assert all("@127.0.0.1:21006/" in url for url in urls)


def test_the_password_is_in_no_template():
    templates = [f for f in (SOURCE / "tests/lab/etc").rglob("*") if f.is_file()]
    assert templates
    for template in templates:
        assert "password =" not in template.read_text()


def test_ops_is_mapped_to_nothing():
    assert '"ops"' not in (SOURCE / "tests/lab/etc/voms.json").read_text()
