# SPDX-License-Identifier: Apache-2.0
"""The result of a validation, its options, its trace, and its errors."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from keystone_voms_ext.voms.codes import CODES, refusal
from keystone_voms_ext.voms.errors import CredentialRefused, SetupError, VomsError
from keystone_voms_ext.voms.validate import Rules, Step, validate
from tests.unit.voms.site import (
    ALICE,
    FQANS,
    HOST,
    NOW,
    SUB,
    VOMS,
    Site,
    ac,
    proxy,
)


def test_result(site: Site) -> None:
    end = NOW + timedelta(hours=2)
    generic = [("nickname", "alice", "dteam"), ("x", "\u00e9", "")]
    result = site.validate(proxy(ac=ac(not_after=end, generic=generic)))
    assert (result.dn, result.issuer_dn) == (ALICE, SUB)
    assert (result.vo, result.fqans, result.primary_fqan) == ("dteam", FQANS, FQANS[0])
    assert (result.ac_issuer, result.voms_host) == (VOMS, HOST)
    assert (result.not_before, result.not_after) == (NOW, end)
    assert [
        (a.name, a.value, a.qualifier) for a in result.generic_attributes
    ] == generic
    assert result.not_after.utcoffset() == timedelta(0)
    assert (result.limited, result.others, result.ignored_vos) == (False, (), ())


def test_others_are_those_of_the_further_vos(site: Site) -> None:
    site.vomsdir_files[f"ops/{HOST}.lsc"] = f"{VOMS}\n{SUB}\n".encode()
    ops = ac(vo="ops", fqans=["/ops"], generic=[("a", "b", "ops")])
    result = site.validate(proxy(ac=[ac(), ops]))
    assert (result.vo, result.ignored_vos) == ("dteam", ())
    (other,) = result.others
    assert (other.vo, other.fqans, other.ac_issuer) == ("ops", ("/ops",), VOMS)
    assert [item.value for item in other.generic_attributes] == ["b"]


def test_trace(site: Site) -> None:
    trust, vomsdir = site.write()
    steps: list[Step] = []
    at = NOW + timedelta(minutes=1)
    chain = proxy().chain()
    validate(chain, trust=trust, vomsdir=vomsdir, at=at, trace=steps.append)
    seen = [(step.code, step.subject) for step in steps]
    assert ("certificate_revoked", SUB) in seen
    assert ("ac_signature_invalid", "AC of dteam") in seen
    assert all(step.holds == CODES[step.code].holds for step in steps)
    text = f"ok certificate_expired: {ALICE}: the certificate is not over"
    assert text in [str(step) for step in steps]


def test_trace_ends_where_the_credential_is_refused(site: Site) -> None:
    trust, vomsdir = site.write()
    steps: list[Step] = []
    with pytest.raises(CredentialRefused):
        validate(
            proxy().chain(),
            trust=trust,
            vomsdir=vomsdir,
            at=NOW + timedelta(days=2),
            trace=steps.append,
        )
    assert "certificate_expired" not in [step.code for step in steps]


def test_the_moment_must_be_aware(site: Site) -> None:
    with pytest.raises(ValueError, match="aware"):
        site.validate(proxy(), at=datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "options",
    [
        {"crl_policy": "never"},
        {"max_proxies": 0},
        {"max_proxies": 17},
        {"skew_seconds": -1},
    ],
)
def test_options_out_of_bounds(options: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Rules(**options)


def test_errors_say_what_where_and_how_to_mend() -> None:
    error = refusal("ac_expired", "The AC ended.", "AC of dteam")
    assert str(error) == f"The AC ended. {CODES['ac_expired'].mend}"
    assert (error.code, error.subject, error.status) == (
        "ac_expired",
        "AC of dteam",
        401,
    )
    assert isinstance(error, VomsError)
    assert SetupError("c", what="What.", mend="Mend.").subject is None


def test_codes_are_told_apart_and_complete() -> None:
    for code, entry in CODES.items():
        assert code == code.lower()
        assert 1 <= entry.rule <= 23
        assert entry.holds
        assert not entry.holds.endswith(".")
        assert entry.mend.endswith(".")
