# SPDX-License-Identifier: Apache-2.0
"""The grid's files: where they lie, who may read them, who may replace them.

Read first: test_every_file_has_its_place.
"""

import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.grid.accounts import ROOT_CA_DN, SERVERS, SUB_CA_DN
from tests.grid.grid import Grid, make_grid
from tests.grid.proxyfake import ProxyFakeError, fake_proxy
from tests.grid.reissue import GridError, choose_maker, reissue
from tests.unit.grid.derwalk import ac_end, flatten, only_ac

REPOSITORY = Path(__file__).resolve().parents[3]
USERS = {"alice", "bob", "carol", "dave", "erin", "frank", "mallory", "revoked"}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_every_file_has_its_place(grid: Grid) -> None:
    assert {path.name for path in grid.keys.iterdir()} == {
        *(f"{user}{part}.pem" for user in USERS for part in ("cert", "key")),
        *(f"{vo}-voms-{part}.pem" for vo in SERVERS for part in ("cert", "key")),
    }
    proxies = {path.name for path in grid.proxies.iterdir()}
    assert proxies == {f"{user}.pem" for user in (*USERS, "expired")}
    kinds = [path.suffix for path in grid.certificates.iterdir()]
    # Two CAs, each under the new and the old hash name.
    for kind in (".0", ".r0", ".signing_policy", ".namespaces"):
        assert kinds.count(kind) == 4
    assert grid.host.certificate.is_file()
    assert len(x509.load_pem_x509_certificates(grid.ca_bundle.read_bytes())) == 2
    assert grid.crl_bundle.read_text().count("-----BEGIN X509 CRL-----") == 2


@pytest.mark.parametrize("vo", SERVERS)
def test_the_lsc_names_the_server_and_its_ca(own_grid: Grid, vo: str) -> None:
    [lsc] = (own_grid.vomsdir / vo).iterdir()
    server = SERVERS[vo]
    assert lsc.name == f"{server.host}.lsc"
    ca = SUB_CA_DN if vo == "fedcloud.egi.eu" else ROOT_CA_DN
    assert lsc.read_text().splitlines() == [server.dn, ca]


def test_the_policies_name_the_ca_and_its_subjects(own_grid: Grid) -> None:
    for kind in ("signing_policy", "namespaces"):
        texts = {p.read_text() for p in own_grid.certificates.glob(f"*.{kind}")}
        assert len(texts) == 2
        for dn in (ROOT_CA_DN, SUB_CA_DN):
            [text] = [text for text in texts if dn in text]
            assert "/DC=org/DC=example/" in text.replace(dn, "")


def test_only_the_owner_reads_keys_and_proxies(grid: Grid) -> None:
    private = [path for path in grid.root.rglob("*key.pem")]
    private += grid.proxies.iterdir()
    assert len(private) > 20
    for path in private:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_no_key_lies_in_a_readable_file(grid: Grid) -> None:
    for path in grid.root.rglob("*"):
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) != 0o600:
            assert "PRIVATE KEY" not in path.read_text(), path


def test_every_user_has_a_key_of_their_own(own_grid: Grid) -> None:
    keys = {path.read_text() for path in own_grid.root.rglob("*key.pem")}
    assert len(keys) == len(list(own_grid.root.rglob("*key.pem")))


def test_the_tls_server_is_localhost(own_grid: Grid) -> None:
    certificate = own_grid.host.load().certificate
    names = certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    addresses = names.get_values_for_type(x509.IPAddress)
    assert [str(address) for address in addresses] == ["127.0.0.1"]


def test_a_grid_of_another_day(tmp_path: Path) -> None:
    grid = make_grid(tmp_path, at=NOON)
    for path in (*grid.keys.glob("*cert.pem"), grid.host.certificate):
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
        assert certificate.not_valid_after_utc == NOON + timedelta(hours=24)
        assert certificate.not_valid_before_utc <= NOON
    proxy = x509.load_pem_x509_certificates(grid.proxy("alice").read_bytes())[0]
    assert proxy.not_valid_after_utc == NOON + timedelta(hours=23)
    over = x509.load_pem_x509_certificates(grid.proxy("expired").read_bytes())[0]
    assert over.not_valid_after_utc == NOON - timedelta(hours=1)
    times = [content for _, tag, content in flatten(only_ac(over)) if tag == 0x18]
    assert times == [b"20260130230000Z", b"20260131110000Z"]
    crl = x509.load_pem_x509_crl(grid.crl_bundle.read_bytes())
    assert crl.next_update_utc == NOON + timedelta(hours=24)


def test_a_new_grid_replaces_an_old_one(tmp_path: Path) -> None:
    grid = make_grid(tmp_path, maker="own")
    before = grid.proxy("alice").read_bytes()
    (grid.vomsdir / "dteam" / "left-over.lsc").write_text("/CN=nobody\n")
    (tmp_path / "notes.txt").write_text("mine")
    make_grid(tmp_path, maker="own")
    assert grid.proxy("alice").read_bytes() != before
    assert len(list((grid.vomsdir / "dteam").iterdir())) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "mine.txt").write_text("precious")
    with pytest.raises(GridError, match="holds keys/, which no test grid made"):
        make_grid(tmp_path, maker="own")
    assert (tmp_path / "keys" / "mine.txt").read_text() == "precious"


def test_without_the_program_our_maker_is_taken_but_not_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    assert choose_maker("auto") == "own"
    with pytest.raises(GridError, match="Install the Debian package voms-clients"):
        choose_maker("voms-proxy-fake")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(GridError, match="Install the Debian package voms-clients"):
        make_grid(tmp_path / "grid")
    assert not (tmp_path / "grid").exists()


def test_the_program_knows_only_the_present() -> None:
    assert choose_maker("auto", at=NOON) == "own"
    with pytest.raises(GridError, match="only issue from the present"):
        choose_maker("voms-proxy-fake", at=NOON)


def test_a_failure_of_the_program_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "voms-proxy-fake"
    program.write_text(
        "#!/bin/sh\n"
        "echo 'Cannot open fileFilename=x/.rnd' >&2\n"
        "echo 'user certificate not found' >&2\n"
        "exit 3\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(ProxyFakeError) as caught:
        fake_proxy(
            certificate=tmp_path / "no.pem",
            key=tmp_path / "no.pem",
            out=tmp_path / "proxy.pem",
            hours=1,
        )
    assert "(status 3): user certificate not found." in str(caught.value)


def test_a_good_status_without_a_proxy_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "voms-proxy-fake"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    out = tmp_path / "proxy.pem"
    out.write_text("an older proxy")
    with pytest.raises(ProxyFakeError, match=r"\(status 0\): no message"):
        fake_proxy(certificate=out, key=out, out=out, hours=1)
    assert not out.exists()


def test_a_second_proxy_of_a_user(own_grid: Grid, maker: str, tmp_path: Path) -> None:
    out = reissue(
        own_grid.keys, "carol", "dteam", ["/dteam"], tmp_path / "poor.pem", maker=maker
    )
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    proxy, user = x509.load_pem_x509_certificates(out.read_bytes())
    assert user == own_grid.user("carol").load().certificate
    values = [content for _, tag, content in flatten(only_ac(proxy)) if tag == 0x04]
    assert values[0] == b"/dteam"
    assert b"/dteam/Role=VO-Admin/Capability=NULL" not in values
    plain = reissue(own_grid.keys, "carol", None, [], tmp_path / "plain", maker=maker)
    assert plain.read_text().count("BEGIN CERTIFICATE") == 2


def test_a_proxy_that_is_nearly_over(
    own_grid: Grid, maker: str, tmp_path: Path
) -> None:
    out = reissue(
        own_grid.keys,
        "alice",
        "dteam",
        ["/dteam"],
        tmp_path / "short.pem",
        maker=maker,
        hours=1,
        past=timedelta(minutes=50),
    )
    proxy = x509.load_pem_x509_certificates(out.read_bytes())[0]
    for end in (proxy.not_valid_after_utc, ac_end(proxy)):
        left = end - datetime.now(UTC)
        assert timedelta(minutes=9) < left <= timedelta(minutes=10)


def test_the_command_makes_a_grid_and_names_its_parts(tmp_path: Path) -> None:
    root = tmp_path / "grid"
    done = subprocess.run(
        [sys.executable, "-m", "tests.grid", root, "--maker", "own"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"proxies       {root}/proxies" in done.stdout.splitlines()
    (root / ".test-grid").unlink()
    again = subprocess.run(
        [sys.executable, "-m", "tests.grid", root, "--maker", "own"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 1
    assert again.stderr.startswith(f"test grid: {root} holds certificates/")
