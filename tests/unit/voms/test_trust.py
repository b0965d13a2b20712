# SPDX-License-Identifier: Apache-2.0
"""The CA directory and vomsdir as files: forms, faults, changes, threads."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from keystone_voms_ext.voms import watched
from keystone_voms_ext.voms.errors import CredentialRefused, SetupError
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import validate
from tests.grid.certs import make_crl
from tests.unit.voms.conftest import Refused
from tests.unit.voms.site import ALICE, HOST, NOW, SUB, VOMS, Site, cast, proxy

CERTIFICATES = "00000001.0"
SUB_CRL = "00000001.r0"
LSC = f"dteam/{HOST}.lsc"
Put = Callable[[Path, bytes], object]


def replace(path: Path, content: bytes) -> None:
    """Put a file in place the way fetch-crl does: written aside, then renamed."""
    aside = path.with_name("aside")
    aside.write_bytes(content)
    aside.rename(path)


# Forms.


def test_der_files(site: Site) -> None:
    encoding = serialization.Encoding.DER
    site.ca_files[CERTIFICATES] = cast().sub.certificate.public_bytes(encoding)
    site.ca_files[SUB_CRL] = make_crl(cast().sub).public_bytes(encoding)
    assert site.validate(proxy()).dn == ALICE


def test_names_of_files_do_not_matter(site: Site) -> None:
    site.ca_files["deadbeef.12"] = site.ca_files.pop(CERTIFICATES)
    site.ca_files["00000001.info"] = b"ignored"
    site.ca_files["00000001.pem"] = b"ignored"
    assert site.validate(proxy()).dn == ALICE


def test_the_same_ca_under_two_names(site: Site) -> None:
    site.ca_files["another.0"] = site.ca_files[CERTIFICATES]
    site.ca_files["another.namespaces"] = site.ca_files["00000001.namespaces"]
    assert site.validate(proxy()).dn == ALICE


# Faults.


@pytest.mark.parametrize("which", ["certificates", "vomsdir"])
def test_missing_directory(site: Site, tmp_path: Path, which: str) -> None:
    trust, vomsdir = site.write()
    missing = tmp_path / "missing"
    if which == "certificates":
        trust = TrustStore(missing)
    else:
        vomsdir = Vomsdir(missing)
    for _ in range(2):
        with pytest.raises(SetupError) as caught:
            validate(proxy().chain(), trust=trust, vomsdir=vomsdir, at=NOW)
        assert caught.value.subject == str(missing)
        assert str(missing) in str(caught.value)
        assert caught.value.status == 500


def test_directory_that_goes_and_comes_back(site: Site) -> None:
    trust, _ = site.write()
    assert trust.snapshot() is trust.snapshot()
    away = site.root / "away"
    trust.path.rename(away)
    with pytest.raises(SetupError):
        trust.snapshot()
    away.rename(trust.path)
    assert site.validate(proxy()).dn == ALICE
    assert trust.snapshot() is trust.snapshot()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"torn",
        b"-----BEGIN CERTIFICATE-----\nAAAA",
        b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
        b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_bad_file_costs_only_itself(
    site: Site, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    for name in ("bad.0", "bad.r0", "bad.namespaces", "bad.signing_policy"):
        site.ca_files[name] = content
    site.ca_files["bad.namespaces"] += b"?"
    site.ca_files["bad.signing_policy"] += b"?"
    trust, vomsdir = site.write()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            chain = proxy().chain()
            at = NOW + timedelta(minutes=1)
            assert validate(chain, trust=trust, vomsdir=vomsdir, at=at).dn == ALICE
    named = [record.getMessage().split()[0] for record in caplog.records]
    assert sorted(Path(name).name for name in named) == [
        "bad.0",
        "bad.namespaces",
        "bad.r0",
        "bad.signing_policy",
    ]


def test_a_certificate_that_is_not_strict_is_named(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.ca_files["bad.0"] = b"\x30\x80\x00\x00"
    with caplog.at_level(logging.WARNING):
        assert site.validate(proxy()).dn == ALICE
    assert "strict DER" in caplog.text


def test_files_that_cannot_be_read(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    trust, vomsdir = site.write()
    (trust.path / "dangling.0").symlink_to("nowhere")
    (trust.path / "directory.0").mkdir()
    (trust.path / "unreadable.0").symlink_to("/proc/self/mem")
    os.mkfifo(trust.path / "pipe.0")
    with (trust.path / "huge.r0").open("wb") as huge:
        huge.truncate(65 * 1024 * 1024)
    with caplog.at_level(logging.WARNING):
        at = NOW + timedelta(minutes=1)
        assert validate(proxy().chain(), trust=trust, vomsdir=vomsdir, at=at)
    for name in ("dangling.0", "directory.0", "unreadable.0", "pipe.0", "huge.r0"):
        assert name in caplog.text


def test_vomsdir_with_other_things_in_it(site: Site, refused: Refused) -> None:
    trust, vomsdir = site.write()
    (vomsdir.path / "README").write_text("not a directory")
    (vomsdir.path / ".hidden").mkdir()
    assert set(vomsdir.snapshot().vos) == {"dteam"}


def test_vo_directory_that_cannot_be_listed(site: Site, refused: Refused) -> None:
    site.vomsdir_files = {}
    _, vomsdir = site.write()
    (vomsdir.path / "dteam").symlink_to("dteam")
    # Known, so that its ACs are refused and not set aside.
    refused("lsc_not_found", proxy())


# Changes.


def test_nothing_is_read_twice_while_nothing_changes(site: Site) -> None:
    trust, vomsdir = site.write()
    assert trust.snapshot() is trust.snapshot()
    assert vomsdir.snapshot() is vomsdir.snapshot()


def test_old_files_are_relied_on(site: Site) -> None:
    trust, _ = site.write()
    for path in trust.path.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    first = trust.snapshot()
    assert trust.snapshot() is first
    (trust.path / SUB_CRL).unlink()
    assert trust.snapshot() is not first


def test_changes_are_seen(site: Site) -> None:
    trust, vomsdir = site.write()

    def verdict() -> str:
        at = NOW + timedelta(minutes=1)
        try:
            return validate(proxy().chain(), trust=trust, vomsdir=vomsdir, at=at).dn
        except CredentialRefused as error:
            return error.code

    pem = serialization.Encoding.PEM
    assert verdict() == ALICE
    revoked = make_crl(cast().sub, revoked=[cast().alice.certificate])
    replace(trust.path / SUB_CRL, revoked.public_bytes(pem))
    assert verdict() == "certificate_revoked"
    replace(trust.path / SUB_CRL, make_crl(cast().sub).public_bytes(pem))
    assert verdict() == ALICE
    replace(vomsdir.path / LSC, b"/CN=other\n")
    assert verdict() == "lsc_mismatch"
    (vomsdir.path / LSC).unlink()
    assert verdict() == "lsc_not_found"
    (vomsdir.path / "dteam").rmdir()
    assert verdict() == "no_known_vo"


def test_a_file_that_is_being_written_is_left_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, vomsdir = site.write()
    before = vomsdir.snapshot().vos["dteam"].lsc[HOST]
    path = vomsdir.path / LSC
    inode = path.stat().st_ino
    path.write_bytes(b"/CN=half")
    assert path.stat().st_ino == inode
    for _ in range(3):
        assert vomsdir.snapshot().vos["dteam"].lsc[HOST] == before
    monkeypatch.setattr(watched, "PATIENCE_SECONDS", 0)
    assert vomsdir.snapshot().vos["dteam"].lsc[HOST] == (("/CN=half",),)


def test_half_a_file_is_broken_only_once_it_is_left_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watched, "PATIENCE_SECONDS", 0)
    trust, _ = site.write()
    trust.snapshot()
    path = trust.path / SUB_CRL
    path.write_bytes(path.read_bytes()[:200])
    at = NOW + timedelta(minutes=1)

    def verdict() -> str:
        vomsdir = Vomsdir(site.root / "vomsdir")
        return validate(proxy().chain(), trust=trust, vomsdir=vomsdir, at=at).dn

    assert verdict() == ALICE
    assert caplog.messages == []
    quiet = time.time() - 1
    os.utime(path, (quiet, quiet))
    for _ in range(3):
        with pytest.raises(CredentialRefused) as caught:
            verdict()
        assert caught.value.code == "crl_unreadable"
    assert len(caplog.messages) == 1
    assert str(path) in caplog.messages[0]


def test_a_file_that_changes_while_it_is_read_is_read_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust, vomsdir = site.write()
    before = vomsdir.snapshot().vos["dteam"].lsc[HOST]
    path = vomsdir.path / LSC
    replace(path, b"/CN=new\n")
    inode = path.stat().st_ino
    status = os.fstat

    def write_more(descriptor: int) -> os.stat_result:
        found = status(descriptor)
        if found.st_ino == inode and found.st_size < 20:
            with path.open("ab") as file:
                file.write(b"/CN=and its CA\n")
        return found

    monkeypatch.setattr(os, "fstat", write_more)
    assert vomsdir.snapshot().vos["dteam"].lsc[HOST] == before
    expected = (("/CN=new", "/CN=and its CA"),)
    assert vomsdir.snapshot().vos["dteam"].lsc[HOST] == expected


def test_a_file_that_the_listing_overlooks_is_still_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust, vomsdir = site.write()
    anchors, servers = trust.snapshot(), vomsdir.snapshot()
    listing = os.listdir
    hidden = [SUB_CRL, f"{HOST}.lsc"]
    monkeypatch.setattr(
        os, "listdir", lambda path: [n for n in listing(path) if n not in hidden]
    )
    assert trust.snapshot() is anchors
    assert vomsdir.snapshot() is servers
    hidden.append("dteam")
    assert vomsdir.snapshot().vos == {}


def test_looks_at_most_once_in_a_while(site: Site) -> None:
    _, quick = site.write()
    slow = Vomsdir(quick.path, check_seconds=0.2)
    first = slow.snapshot()
    (quick.path / "ops").mkdir()
    assert slow.snapshot() is first
    time.sleep(0.25)
    assert set(slow.snapshot().vos) == {"dteam", "ops"}


# Threads.


def test_others_go_on_while_one_thread_reads(site: Site) -> None:
    trust, _ = site.write()
    reading, may_go = threading.Event(), threading.Event()

    class Slow(TrustStore):
        def _list(self) -> object:
            reading.set()
            may_go.wait(5)
            return super()._list()

    slow = Slow(trust.path, check_seconds=0)
    may_go.set()
    known = slow.snapshot()
    may_go.clear()
    reading.clear()
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(slow.snapshot)
        assert reading.wait(5)
        assert slow.snapshot() is known
        may_go.set()
        assert reader.result(5) is known


def test_first_readers_wait_for_each_other(site: Site) -> None:
    trust, _ = site.write()
    reading, may_go = threading.Event(), threading.Event()

    class Slow(TrustStore):
        def _list(self) -> object:
            reading.set()
            may_go.wait(5)
            return super()._list()

    slow = Slow(trust.path, check_seconds=60)
    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(slow.snapshot) for _ in range(8)]
        assert reading.wait(5)
        time.sleep(0.05)
        assert not any(reader.done() for reader in readers)
        may_go.set()
        assert len({id(reader.result(5)) for reader in readers}) == 1


def in_pieces(path: Path, content: bytes) -> None:
    """Write a file in place, as no tool should."""
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(content), 60):
            file.write(content[start : start + 60])


@pytest.mark.parametrize("put", [replace, Path.write_bytes, in_pieces])
def test_no_wrong_verdict_while_files_are_rewritten(site: Site, put: Put) -> None:
    trust, vomsdir = site.write()
    trust.snapshot(), vomsdir.snapshot()
    chain, at = proxy().chain(), NOW + timedelta(minutes=1)
    crl = make_crl(cast().sub, revoked=[5]).public_bytes(serialization.Encoding.PEM)
    stop = threading.Event()

    def rewrite() -> int:
        count = 0
        while not stop.is_set():
            put(trust.path / SUB_CRL, crl)
            put(vomsdir.path / LSC, f"# {count}\n{VOMS}\n{SUB}\n".encode())
            count += 1
        return count

    def login(_: int) -> str:
        return validate(chain, trust=trust, vomsdir=vomsdir, at=at).dn

    with ThreadPoolExecutor(9) as pool:
        writer = pool.submit(rewrite)
        try:
            assert set(pool.map(login, range(400))) == {ALICE}
        finally:
            stop.set()
        assert writer.result() > 1
