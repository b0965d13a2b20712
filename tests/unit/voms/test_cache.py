# SPDX-License-Identifier: Apache-2.0
"""The memory of verified credentials: what it answers, and what ends it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from keystone_voms_ext.voms import cache
from keystone_voms_ext.voms.cache import Validator
from keystone_voms_ext.voms.errors import CredentialRefused, SetupError
from keystone_voms_ext.voms.rules import Case, Rules, Step
from keystone_voms_ext.voms.validate import Verdict
from tests.grid.certs import make_crl, make_proxy
from tests.unit.voms.site import (
    ALICE,
    HOST,
    NOW,
    SUB,
    VOMS,
    Site,
    ac,
    ca_files,
    cast,
    proxy,
)

AT = NOW + timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, ...]]:
    """Return the list of chains that the cache has handed on to be judged."""
    chains: list[tuple[bytes, ...]] = []
    judge = cache.judge

    def watched(chain: tuple[bytes, ...], case: Case) -> Verdict:
        chains.append(chain)
        return judge(chain, case)

    monkeypatch.setattr(cache, "judge", watched)
    return chains


def opened(site: Site, **options: int) -> Validator:
    """Return a validator over the site's directories, written anew."""
    return Validator(*site.write(), **options)


def test_the_second_time_is_a_look_up(site: Site, judged: list[object]) -> None:
    validator, chain = opened(site), proxy().chain()
    first = validator.validate(chain, at=AT)
    again = validator.validate([bytes(bytearray(der)) for der in chain], at=AT)
    assert first.dn == ALICE
    assert again is first
    assert len(judged) == len(validator) == 1


def test_one_byte_less_is_another_credential(site: Site) -> None:
    validator, chain = opened(site), proxy().chain()
    validator.validate(chain, at=AT)
    for place, der in enumerate(chain):
        for changed in (der[:-1], der[:-1] + bytes([der[-1] ^ 1])):
            with pytest.raises(CredentialRefused):
                validator.validate(
                    (*chain[:place], changed, *chain[place + 1 :]), at=AT
                )
    # The same bytes, cut elsewhere.
    with pytest.raises(CredentialRefused):
        validator.validate((chain[0] + chain[1], *chain[2:]), at=AT)


def test_a_refusal_is_not_kept(site: Site, judged: list[object]) -> None:
    validator, chain = opened(site), make_proxy(cast().alice).chain()
    for _ in range(2):
        with pytest.raises(CredentialRefused) as caught:
            validator.validate(chain, at=AT)
        assert caught.value.code == "no_ac"
    assert len(judged) == 2
    assert len(validator) == 0


def test_other_rules_are_another_question(site: Site) -> None:
    validator, chain = opened(site), proxy(limited=True).chain()
    assert validator.validate(chain, at=AT).limited
    with pytest.raises(CredentialRefused) as caught:
        validator.validate(chain, at=AT, rules=Rules(allow_limited=False))
    assert caught.value.code == "limited_proxy_refused"


def test_who_wants_to_see_the_checks_sees_them(site: Site) -> None:
    validator, chain = opened(site), proxy().chain()
    counts = []
    for _ in range(2):
        steps: list[Step] = []
        validator.validate(chain, at=AT, trace=steps.append)
        counts.append(len(steps))
    assert counts[0] == counts[1] > 50


def test_the_directories_must_be_there(site: Site) -> None:
    validator = opened(site)
    for path in (site.root / "certificates").iterdir():
        path.unlink()
    (site.root / "certificates").rmdir()
    with pytest.raises(SetupError):
        validator.validate(proxy().chain(), at=AT)


# Time.

END = NOW + timedelta(hours=1)


def ends_with_the_proxy(site: Site) -> tuple[bytes, ...]:
    return proxy(not_after=END).chain()


def ends_with_the_ac(site: Site) -> tuple[bytes, ...]:
    return proxy(ac=ac(not_after=END)).chain()


def ends_with_a_further_ac(site: Site) -> tuple[bytes, ...]:
    site.vomsdir_files[f"ops/{HOST}.lsc"] = f"{VOMS}\n{SUB}\n".encode()
    ops = ac(vo="ops", fqans=["/ops"], not_after=END)
    return proxy(ac=[ac(), ops]).chain()


def ends_with_a_crl(site: Site) -> tuple[bytes, ...]:
    site.ca_files.update(ca_files("00000000", cast().root, not_after=END))
    return proxy().chain()


def ends_with_the_crl_of_the_server_s_ca(site: Site) -> tuple[bytes, ...]:
    site.ca_files.update(ca_files("00000001", cast().sub, not_after=END))
    return proxy().chain()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (ends_with_the_proxy, "proxy_expired"),
        (ends_with_the_ac, "ac_expired"),
        (ends_with_a_further_ac, "ac_expired"),
        (ends_with_a_crl, "crl_expired"),
        (ends_with_the_crl_of_the_server_s_ca, "crl_expired"),
    ],
)
def test_time_ends_a_verdict(
    site: Site, judged: list[object], make: object, code: str
) -> None:
    chain = make(site)
    validator = opened(site)
    validator.validate(chain, at=AT)
    validator.validate(chain, at=END - SECOND)
    assert len(judged) == 1
    with pytest.raises(CredentialRefused) as caught:
        validator.validate(chain, at=END + SECOND)
    assert caught.value.code == code
    assert len(validator) == 0


def test_a_crl_that_begins_later_ends_a_verdict(site: Site) -> None:
    begin = NOW + timedelta(hours=2)
    site.ca_files["00000001.r1"] = make_crl(
        cast().sub, revoked=[cast().alice.certificate.serial_number], not_before=begin
    ).public_bytes(serialization.Encoding.PEM)
    chain, validator = proxy().chain(), opened(site)
    before = begin - timedelta(seconds=300)
    assert validator.validate(chain, at=AT).dn == ALICE
    assert validator.validate(chain, at=before - SECOND).dn == ALICE
    with pytest.raises(CredentialRefused) as caught:
        validator.validate(chain, at=before)
    assert caught.value.code == "certificate_revoked"


def test_a_clock_that_was_set_back_is_not_trusted(site: Site) -> None:
    validator, chain = opened(site), proxy().chain()
    validator.validate(chain, at=AT)
    with pytest.raises(CredentialRefused) as caught:
        validator.validate(chain, at=NOW - timedelta(hours=1))
    assert caught.value.code.endswith("not_yet_valid")


# Changes on the disk.


def revoke(site: Site) -> str:
    changed = ca_files(
        "00000001", cast().sub, revoked=[cast().alice.certificate.serial_number]
    )
    site.ca_files["00000001.r0"] = changed["00000001.r0"]
    return "certificate_revoked"


def change_the_lsc(site: Site) -> str:
    site.vomsdir_files[f"dteam/{HOST}.lsc"] = b"/CN=another\n"
    return "lsc_mismatch"


def change_the_namespaces(site: Site) -> str:
    site.ca_files["00000001.namespaces"] = (
        b'TO Issuer SELF PERMIT Subject "/DC=elsewhere/.*"\n'
    )
    return "namespaces_denied"


def break_the_ca(site: Site) -> str:
    site.ca_files["00000001.0"] = b"nothing"
    return "issuer_unknown"


@pytest.mark.parametrize(
    "change", [revoke, change_the_lsc, change_the_namespaces, break_the_ca]
)
def test_a_change_on_disk_ends_a_verdict(site: Site, change: object) -> None:
    validator, chain = opened(site), proxy().chain()
    validator.validate(chain, at=AT)
    code = change(site)
    for name, content in {**site.ca_files, **site.vomsdir_files}.items():
        folder = "vomsdir" if "/" in name else "certificates"
        path = site.root / folder / name
        if path.read_bytes() != content:
            aside = path.with_name("aside")
            aside.write_bytes(content)
            aside.rename(path)
    with pytest.raises(CredentialRefused) as caught:
        validator.validate(chain, at=AT)
    assert caught.value.code == code


# Size.


def chains(count: int, **changes: object) -> list[tuple[bytes, ...]]:
    return [proxy(**changes).chain() for _ in range(count)]


def test_the_least_recently_used_goes_first(site: Site, judged: list[object]) -> None:
    validator = opened(site, max_credentials=2)
    first, second, third = chains(3)
    for chain in (first, second, first, third):
        validator.validate(chain, at=AT)
    assert len(validator) == 2
    del judged[:]
    validator.validate(first, at=AT)
    validator.validate(third, at=AT)
    assert judged == []
    validator.validate(second, at=AT)
    assert judged == [second]


def test_bytes_count_as_well(site: Site) -> None:
    many = [f"/dteam/group{number:04}" for number in range(500)]
    validator = opened(site, max_credentials=3)
    large, small = proxy(ac=ac(fqans=many)).chain(), proxy().chain()
    assert 2 * sum(map(len, large)) > 3 * 8192 > sum(map(len, large))
    validator.validate(large, at=AT)
    validator.validate(small, at=AT)
    assert len(validator) == 2
    validator.validate(proxy(ac=ac(fqans=many)).chain(), at=AT)
    validator.validate(small, at=AT)
    assert len(validator) == 2


def test_none_are_kept_when_told_so(site: Site, judged: list[object]) -> None:
    validator, chain = opened(site, max_credentials=0), proxy().chain()
    for _ in range(2):
        validator.validate(chain, at=AT)
    assert (len(validator), len(judged)) == (0, 2)


def test_threads_share_it(site: Site) -> None:
    validator = opened(site, max_credentials=4)
    presented = chains(6)
    wrong: list[object] = []

    def work() -> None:
        for turn in range(60):
            try:
                found = validator.validate(presented[turn % 6], at=moment(turn))
            except CredentialRefused as error:
                wrong.append(error)
            else:
                if found.dn != ALICE:
                    wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(validator) <= 4


def moment(turn: int) -> datetime:
    return AT + turn * SECOND
