# SPDX-License-Identifier: Apache-2.0
"""The validator takes every good proxy of both makers and refuses the rest.

The grid's files are read as a site's are. Read first: judge().
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from keystone_voms_ext.voms.chain import certificates_from_pem
from keystone_voms_ext.voms.errors import CredentialRefused
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import VomsAttributes, validate
from tests.grid.accounts import ACCOUNTS, CA_DNS, SERVERS
from tests.grid.grid import Grid, make_grid
from tests.grid.hostile import HOSTILE
from tests.grid.reissue import reissue
from tests.unit.grid.derwalk import ac_end

MEMBERS = [name for name, a in ACCOUNTS.items() if a.vo and name != "revoked"]
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def judge(grid: Grid, pem: bytes, *, at: datetime | None = None) -> VomsAttributes:
    """Return what the validator makes of a proxy file's certificates."""
    return validate(
        certificates_from_pem(pem),
        trust=TrustStore(grid.certificates),
        vomsdir=Vomsdir(grid.vomsdir),
        at=at or datetime.now(UTC),
    )


def refusal(grid: Grid, pem: bytes, *, at: datetime | None = None) -> str:
    with pytest.raises(CredentialRefused) as caught:
        judge(grid, pem, at=at)
    return caught.value.code


@pytest.mark.parametrize("user", MEMBERS)
def test_every_members_proxy_is_accepted(grid: Grid, user: str) -> None:
    account = ACCOUNTS[user]
    pem = grid.proxy(user).read_bytes()
    found = judge(grid, pem)
    assert found.dn == account.dn
    assert found.issuer_dn == CA_DNS[account.ca]
    assert found.vo == account.vo
    assert found.fqans == account.fqans
    assert found.primary_fqan == account.fqans[0]
    assert found.voms_host == SERVERS[account.vo].host
    assert not found.limited
    proxy = x509.load_pem_x509_certificates(pem)[0]
    # On a busy machine the program's AC and proxy end seconds apart.
    assert found.not_after == min(proxy.not_valid_after_utc, ac_end(proxy))


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ("frank", "no_ac"),
        ("mallory", "issuer_unknown"),
        ("expired", "proxy_expired"),
        ("revoked", "certificate_revoked"),
    ],
)
def test_the_other_accounts_are_refused(grid: Grid, user: str, code: str) -> None:
    assert refusal(grid, grid.proxy(user).read_bytes()) == code


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_credential_is_refused(own_grid: Grid, name: str) -> None:
    case = HOSTILE[name]
    assert refusal(own_grid, case.make(own_grid)) == case.code


def test_the_expired_proxy_was_good_before(grid: Grid) -> None:
    pem = grid.proxy("expired").read_bytes()
    before = judge(grid, pem, at=datetime.now(UTC) - timedelta(hours=2))
    now = judge(grid, grid.proxy("alice").read_bytes())
    assert (before.dn, before.fqans) == (now.dn, now.fqans)


def test_a_poorer_and_a_richer_proxy(
    own_grid: Grid, maker: str, tmp_path: Path
) -> None:
    def fqans(user: str, *asked: str) -> tuple[str, ...]:
        out = tmp_path / "proxy.pem"
        reissue(own_grid.keys, user, "dteam", asked, out, maker=maker)
        return judge(own_grid, out.read_bytes()).fqans

    assert fqans("carol", "/dteam") == ("/dteam",)
    richer = ("/dteam/NGI_TEST/Role=VO-Admin", "/dteam", "/dteam/NGI_TEST")
    assert fqans("alice", *richer) == richer


def test_a_grid_of_another_day_is_good_on_that_day(tmp_path: Path) -> None:
    grid = make_grid(tmp_path, at=NOON)
    pem = grid.proxy("bob").read_bytes()
    assert judge(grid, pem, at=NOON).dn == ACCOUNTS["bob"].dn
    assert judge(grid, pem, at=NOON + timedelta(hours=22)).vo == "dteam"
    assert refusal(grid, pem, at=NOON + timedelta(hours=23, minutes=1)) == (
        "proxy_expired"
    )
