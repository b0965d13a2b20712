# SPDX-License-Identifier: Apache-2.0
"""Imports run one way: the shell knows the core, never the other way round."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = (
    "keystone_voms_ext",
    "ooi_ext",
    "vo_policy_ext",
    "fedcloud_tempest_plugin",
)


def imports(path):
    """Yield the full name of every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def under(module, *packages):
    return any(module == p or module.startswith(p + ".") for p in packages)


def modules(*places):
    found = [path for place in places for path in sorted((ROOT / place).rglob("*.py"))]
    assert found, places
    return found


def offenders(paths, forbidden):
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if forbidden(name)
    ]


def test_the_validator_knows_the_standard_library_and_cryptography_alone():
    foreign = ("oslo_config", "oslo_log", "keystone", "flask", "webob", "paste", "http")
    own = ("keystone_voms_ext", "keystone_voms_ext.voms")
    assert not offenders(
        modules("keystone_voms_ext/voms"),
        lambda name: (
            under(name, *foreign)
            or (under(name, *OURS) and name not in own and not under(name, own[1]))
        ),
    )


def test_the_occi_core_knows_no_nova_and_no_http_host():
    pure = ("errors", "model", "kinds", "translate")
    paths = [ROOT / f"ooi_ext/{name}.py" for name in pure]
    assert not offenders(
        [*paths, *modules("ooi_ext/rendering")],
        lambda name: under(name, "nova", "webob", "keystoneauth1", "oslo_config"),
    )


def test_only_identity_calls_the_managers_of_keystone():
    paths = [p for p in modules("keystone_voms_ext") if p.parent.name != "identity"]
    assert not offenders(
        paths, lambda name: under(name, "keystone.common.provider_api")
    )


HOSTS = {
    "keystone_voms_ext": ("keystone",),
    "ooi_ext": ("nova",),
    "vo_policy_ext": ("nova", "cinder", "glance"),
    "fedcloud_tempest_plugin": (),
}


@pytest.mark.parametrize("package", OURS)
def test_the_extensions_share_nothing(package):
    others = [name for name in OURS if name != package]
    hosts = {host for name in others for host in HOSTS[name]} - set(HOSTS[package])
    assert not offenders(modules(package), lambda name: under(name, *others, *hosts))


def test_each_filter_knows_its_own_service_alone():
    services = HOSTS["vo_policy_ext"]
    for service in services:
        paths = [p for p in modules("vo_policy_ext") if p.stem != service]
        # Each compares the tables with what is installed, in a process of its own.
        paths = [p for p in paths if p.stem not in ("drift", "call_sites")]
        assert not offenders(paths, lambda name, one=service: under(name, one))


@pytest.mark.parametrize("module", ["six", "eventlet"])
def test_nothing_imports_what_must_not_come_back(module):
    assert not offenders(modules(*OURS), lambda name: under(name, module))


def test_data_directories_hold_data_and_packages_begin_empty():
    assert not [
        p
        for d in ("policy", "paste", "deploy", "devstack")
        for p in (ROOT / d).rglob("*.py")
    ]
    for path in modules(*OURS, "tests"):
        if path.name == "__init__.py":
            assert path.read_bytes() == b"", path


def test_no_file_is_longer_than_400_lines():
    for path in modules(*OURS):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path
