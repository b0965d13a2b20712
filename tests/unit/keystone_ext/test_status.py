# SPDX-License-Identifier: Apache-2.0
"""The checks that need no Keystone: options, paste file, CA directory, vomsdir."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import keystone.conf
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from keystone_voms_ext import conf, sources, status
from keystone_voms_ext.checks import configuration, trust
from keystone_voms_ext.checks.finding import NOTE, OK, WRONG, Check, Finding
from keystone_voms_ext.voms.errors import SetupError
from tests.grid.certs import make_crl
from tests.grid.grid import make_grid

CONF = keystone.conf.CONF
METHODS = ["password", "token", "mapped", "ec2credential", "voms"]


@pytest.fixture
def option():
    """Return a function that sets an option until the test is over."""
    keystone.conf.configure()
    conf.register(CONF)
    done = []

    def override(name, value, group="voms"):
        CONF.set_override(name, value, group=group)
        done.append((name, group))

    yield override
    for name, group in done:
        CONF.clear_override(name, group=group)


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return make_grid(tmp_path_factory.mktemp("grid"), maker="own")


@pytest.fixture
def place(option, grid, tmp_path):
    """Return a copy of the grid's directories that the options name."""
    for name, directory in (
        ("ca_path", grid.certificates),
        ("vomsdir_path", grid.vomsdir),
    ):
        shutil.copytree(directory, tmp_path / directory.name)
        option(name, str(tmp_path / directory.name))
    (tmp_path / "voms.json").write_text('{"dteam": {"tenant": "dteam"}}')
    option("voms_policy", str(tmp_path / "voms.json"))
    return tmp_path


def found(check, level=WRONG):
    """Return the texts of a check's findings of a level."""
    return [one.text for one in status.run(check) if one.level == level]


def check_named(title):
    (one,) = (check for check in status.CHECKS if check.title == title)
    return one


@pytest.mark.parametrize(
    ("methods", "wrong", "notes"),
    [
        (METHODS, [], []),
        (METHODS[:-1], ["lacks voms"], []),
        ([METHODS[-1], *METHODS[:-1]], ["ends with ec2credential"], []),
        (["mapped", "voms"], ["lacks token", "lacks ec2credential"], []),
        (["token", "ec2credential", "voms"], [], ["lacks mapped"]),
        (["external", *METHODS], [], ["has external"]),
        ([], ["lacks voms", "lacks token", "lacks ec2credential"], ["lacks mapped"]),
    ],
)
def test_methods(option, methods, wrong, notes):
    option("methods", methods, group="auth")
    check = check_named("Auth methods")
    for level, texts in ((WRONG, wrong), (NOTE, notes)):
        told = found(check, level)
        assert len(told) == len(texts), told
        assert all(text in one for text, one in zip(texts, told, strict=True))


@pytest.mark.parametrize(
    ("mapped", "token", "wrong"),
    [
        ("voms", "voms", []),
        (None, "voms", ["[auth] mapped is not set"]),
        ("voms", "default", ["[auth] token is default"]),
        (None, None, ["[auth] mapped", "[auth] token"]),
    ],
)
def test_plugins(option, mapped, token, wrong):
    option("methods", METHODS, group="auth")
    option("mapped", mapped, group="auth")
    option("token", token, group="auth")
    told = found(check_named("Auth plugins"))
    assert len(told) == len(wrong)
    assert all(text in one for text, one in zip(wrong, told, strict=True))


@pytest.mark.parametrize(
    ("listed", "text"), [([], "lacks voms, the default"), (["voms"], "has voms")]
)
def test_delegation_is_told_and_never_wrong(option, listed, text):
    option("additional_primary_auth_methods", listed, group="auth")
    (finding,) = status.run(check_named("Delegation"))
    assert finding.level == OK and text in finding.text


def test_a_keystone_without_the_option_of_delegation(option, monkeypatch):
    option("methods", METHODS, group="auth")

    class Auth(dict):
        methods = METHODS

    monkeypatch.setattr(configuration, "CONF", type("Conf", (), {"auth": Auth()}))
    (finding,) = status.run(check_named("Delegation"))
    assert finding.level == OK and "This Keystone has no [auth]" in finding.text


def test_tokens(option):
    check = check_named("Tokens")
    assert status.run(check) == ()
    option("max_token_size", 100, group=None)
    assert "max_token_size is 100" in found(check, NOTE)[0]
    option("provider", "jws", group="token")
    assert "fernet only" in found(check, NOTE)[0]


def test_the_shipped_paste_file_is_good(monkeypatch):
    monkeypatch.delenv("OS_KEYSTONE_VOMS_PASTE", raising=False)
    (finding,) = status.run(check_named("Paste file"))
    assert finding.level == OK and "keystone-paste.ini" in finding.text


VOMS = "paste.filter_factory = keystone_voms_ext.wsgi:filter_factory\n"
PARTS = f"[filter:mine]\n{VOMS}"
PARTS += "[filter:voms_v2]\nuse = egg:fedcloud-openstack#voms_v2\n"
PARTS += "[app:keystone]\nuse = egg:fedcloud-openstack#keystone\n"
HEALTH = "[app:health]\npaste.app_factory = oslo_middleware:Healthcheck.app_factory\n"


@pytest.mark.parametrize(
    ("main", "level", "text"),
    [
        ("[pipeline:main]\npipeline = voms_v2 mine keystone", OK, "It is "),
        ("[pipeline:main]\r\npipeline =\r\n  mine\r\n  keystone", OK, "It is "),
        (f"[filter-app:main]\n{VOMS}next = keystone", OK, "It is "),
        (
            f"{HEALTH}[composite:main]\nuse = egg:Paste#urlmap\n/ = p\n/h = health\n"
            "[pipeline:p]\npipeline = mine keystone",
            OK,
            "It is ",
        ),
        # The section is there, and nothing goes through it.
        ("[pipeline:main]\npipeline = voms_v2 keystone", NOTE, "has no filter voms"),
        (
            "[composite:main]\nuse = egg:Paste#urlmap\n/ = p\n/v3 = keystone\n"
            "[pipeline:p]\npipeline = mine keystone",
            NOTE,
            "has no filter voms",
        ),
        ("[pipeline:main]\npipeline = mine voms_v2 keystone", WRONG, "v2 behind voms"),
        ("[pipeline:main]\npipeline = absent keystone", WRONG, "LookupError"),
        ("[pipeline:main]\npipeline = mine # x", WRONG, "LookupError"),
        (
            "[pipeline:main]\npipeline = mine keystone\n[filter:mine]",
            WRONG,
            "Duplicate",
        ),
        ("\ufeff[pipeline:main]\npipeline = mine keystone", WRONG, "MissingSection"),
        ("[filter:z]\nuse = egg:absent#z\n[pipeline:main]\npipeline = z", WRONG, "z"),
        ("[app:main]\npaste.app_factory = keystone.none:f", WRONG, "ModuleNotFound"),
        (None, WRONG, "FileNotFoundError"),
    ],
)
def test_paste_files_of_a_site(monkeypatch, tmp_path, main, level, text):
    path = tmp_path / "k.ini"
    monkeypatch.setenv("OS_KEYSTONE_VOMS_PASTE", str(path))
    if main is not None:
        path.write_bytes(f"{main}\n{PARTS}".encode())
    (finding,) = status.run(check_named("Paste file"))
    assert finding.level == level and text in finding.text
    assert str(path) in finding.text


def test_good_directories_have_nothing_wrong(place):
    for check in trust.CHECKS:
        assert found(check) == [], check


def test_a_broken_file_is_named_and_told_why(place, caplog):
    path = place / "certificates" / "aaaaaaaa.r0"
    path.write_text("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    (text,) = found(check_named("CA directory"))
    assert str(path) in text and "is not usable" in text and "Mend or replace" in text
    # It is told once, by the check, and not in a log as well.
    assert caplog.records == []


def test_a_directory_without_cas_is_wrong(place):
    shutil.rmtree(place / "certificates")
    (place / "certificates").mkdir()
    assert "holds no CA" in found(check_named("CA directory"))[0]


@pytest.mark.parametrize(
    ("begins", "ends", "code"),
    [
        (-48, 24, None),
        (-48, -1, "was to be replaced by"),
        (24, 48, "begins at"),
    ],
)
def test_the_crl_of_every_ca_must_be_in_date(place, grid, begins, ends, code):
    now = datetime.now(UTC).replace(microsecond=0)
    for path in (place / "certificates").glob("*.r0"):
        path.unlink()
    for name in ("root", "sub"):
        crl = make_crl(
            grid.authority(name).load(),
            not_before=now + timedelta(hours=begins),
            not_after=now + timedelta(hours=ends),
        )
        path = place / "certificates" / f"{name}.r0"
        path.write_bytes(crl.public_bytes(Encoding.PEM))
    told = found(check_named("CRLs and policies of the CAs"))
    assert len(told) == (2 if code else 0)
    assert all(code in one for one in told)


def test_a_crl_of_another_signer_counts_as_none(place, grid):
    other = make_crl(
        grid.authority("root").load(), signer_key=grid.authority("sub").load().key
    )
    for path in (place / "certificates").glob("*.r0"):
        path.unlink()
    (place / "certificates" / "other.r0").write_bytes(other.public_bytes(Encoding.PEM))
    told = found(check_named("CRLs and policies of the CAs"))
    assert any("is not signed by it" in one for one in told)
    assert any("no full CRL" in one for one in told)


def test_a_ca_without_a_policy_file_is_wrong(place):
    for suffix in ("namespaces", "signing_policy"):
        for path in (place / "certificates").glob(f"*.{suffix}"):
            path.unlink()
    told = found(check_named("CRLs and policies of the CAs"))
    assert len(told) == 2
    assert all("neither a namespaces nor a signing_policy" in one for one in told)


def test_vos_of_the_mapping_need_servers(place):
    shutil.rmtree(place / "vomsdir" / "dteam")
    (place / "vomsdir" / "empty").mkdir()
    told = found(check_named("VOMS servers"))
    assert len(told) == 2
    assert "The mapping has VO dteam" in told[0] and "empty has no usable" in told[1]


def test_a_bad_mapping_does_not_hide_what_is_wrong_in_vomsdir(place):
    (place / "voms.json").write_text("{")
    (place / "vomsdir" / "dteam" / "x.lsc").write_text("no DN\n")
    assert len(found(check_named("VOMS servers"))) == 1


def test_all_entries_of_a_bad_mapping_are_told(place):
    text = '{\n"a": {"x": 1},\n"dteam": {"tenant": "t"},\n\n"b": [],\n"a": {"y": 1}}'
    (place / "voms.json").write_text(text)
    sources._map_file.cache_clear()
    told = found(check_named("Mapping file"))
    path = place / "voms.json"
    assert any(one.startswith(f"{path}, line 2: The entry 'a'") for one in told)
    assert any(one.startswith(f"{path}, line 5: The entry 'b'") for one in told)
    assert not any("dteam" in one.partition("The fields")[0] for one in told)


def test_what_a_check_raises_is_a_finding():
    def of_setup():
        yield Finding(NOTE, "first")
        raise SetupError("some_code", what="It is wrong.", mend="Mend it.")

    def of_others():
        raise KeyError("two\nlines")
        yield

    assert status.run(Check("x", of_setup)) == (
        Finding(NOTE, "first"),
        Finding(WRONG, "It is wrong. Mend it."),
    )
    (finding,) = status.run(Check("x", of_others))
    assert finding.level == WRONG and "KeyError" in finding.text
    assert "\n" not in finding.text


@pytest.mark.parametrize(
    ("directory", "files", "expected"),
    [
        ("", "", None),
        ("/d", "", ["/d/keystone.conf"]),
        ("/d", "a.conf; b.conf;", ["/d/a.conf", "/d/b.conf"]),
        ("", "/x/a.conf", ["/x/a.conf"]),
    ],
)
def test_keystones_own_variables_name_the_files(
    monkeypatch, directory, files, expected
):
    monkeypatch.setenv("OS_KEYSTONE_CONFIG_DIR", directory)
    monkeypatch.setenv("OS_KEYSTONE_CONFIG_FILES", files)
    assert status.default_config_files() == expected


def test_the_upgrade_check_has_all_checks_and_the_worst_level(monkeypatch):
    titles = [title for title, _ in status.Checks._upgrade_checks]
    assert titles == [check.title for check in status.CHECKS]
    told = (Finding(OK, "good"), Finding(NOTE, "noted"), Finding(WRONG, "bad"))
    monkeypatch.setattr(status, "run", lambda check: told)
    _, method = status.Checks._upgrade_checks[0]
    result = method(status.Checks())
    assert (result.code, result.details) == (WRONG, "noted\nbad")
    monkeypatch.setattr(status, "run", lambda check: ())
    result = method(status.Checks())
    assert (result.code, result.details) == (OK, None)


@pytest.mark.parametrize(
    ("text", "told"), [(None, "to find some config files"), ("[a", "to parse")]
)
def test_a_configuration_that_cannot_be_read_is_no_warning(tmp_path, text, told):
    path = tmp_path / "keystone.conf"
    if text:
        path.write_text(text)
    program = (
        f"import sys; sys.argv[1:] = ['--config-file', {str(path)!r}, 'upgrade', "
        "'check']\nfrom keystone_voms_ext import status; sys.exit(status.main())"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == status.FAILED
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("keystone-voms-status: Failed ") and told in last
    assert "Traceback" not in ran.stderr
