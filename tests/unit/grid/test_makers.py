# SPDX-License-Identifier: Apache-2.0
"""Our maker's ACs and proxies are those of voms-proxy-fake, field by field.

Both issue from the same keys, so only serials, times and signatures may differ.
Read first: masked().
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from tests.grid.ac import make_ac
from tests.grid.accounts import ACCOUNTS, SERVERS, VOMS_PORT
from tests.grid.certs import make_proxy
from tests.grid.grid import Grid
from tests.grid.proxyfake import FakeServer, fake_proxy
from tests.grid.reissue import reissue
from tests.unit.grid.derwalk import AC_SEQUENCE, Field, extensions, flatten, only_ac

# AttributeCertificate is (acinfo, algorithm, signature); acinfo is (version,
# holder, issuer, algorithm, serial, validity, attributes, extensions).
SERIAL = (0, 0, 4)
NOT_BEFORE = (0, 0, 5, 0)
NOT_AFTER = (0, 0, 5, 1)
SIGNATURE = (0, 2)


def masked(ac: bytes) -> list[Field]:
    """Return the fields, with only the length of what must differ."""
    fields = []
    for path, tag, content in flatten(ac):
        if path == SERIAL:
            content = b"a serial"
        if path in (NOT_BEFORE, NOT_AFTER, SIGNATURE):
            content = b"%d bytes" % len(content)
        fields.append((path, tag, content))
    return fields


def field(ac: bytes, wanted: tuple[int, ...]) -> bytes:
    [content] = [content for path, _, content in flatten(ac) if path == wanted]
    return content


def first(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


@pytest.mark.parametrize("user", ["alice", "bob", "carol", "dave", "erin"])
def test_the_acs_are_equal_but_for_serial_times_and_signature(
    own_grid: Grid, maker: str, user: str, tmp_path: Path
) -> None:
    account = ACCOUNTS[user]
    ours = reissue(
        own_grid.keys,
        user,
        account.vo,
        account.fqans,
        tmp_path / "ours.pem",
        maker="own",
    )
    other = reissue(
        own_grid.keys,
        user,
        account.vo,
        account.fqans,
        tmp_path / "other.pem",
        maker=maker,
    )
    our_ac, other_ac = only_ac(first(ours)), only_ac(first(other))
    assert masked(our_ac) == masked(other_ac)
    fqans = [c for _, t, c in flatten(our_ac) if t == 0x04 and c.startswith(b"/")]
    assert tuple(fqan.decode() for fqan in fqans) == account.fqans


def test_the_ac_says_what_was_asked(grid: Grid) -> None:
    ac = only_ac(first(grid.proxy("carol")))
    uris = [content for _, tag, content in flatten(ac) if tag == 0x86]
    assert uris == [b"dteam://voms-dteam.example.org:15000"]
    start, end = (
        datetime.strptime(field(ac, path).decode(), "%Y%m%d%H%M%SZ")
        for path in (NOT_BEFORE, NOT_AFTER)
    )
    assert (end - start).total_seconds() == 23 * 3600


@pytest.mark.parametrize(
    ("options", "knobs"),
    [
        (("-newformat",), {"holder_form": "issuer"}),
        # No case for -target: the program crashes on it with some arguments.
        (("-ga", "nick=al(/dteam)"), {"generic": [("nick", "al", "/dteam")]}),
    ],
    ids=["holder named by its issuer", "generic attribute"],
)
def test_the_other_forms_of_an_ac_are_equal_too(
    own_grid: Grid,
    maker: str,
    options: tuple[str, ...],
    knobs: dict[str, object],
    tmp_path: Path,
) -> None:
    server = own_grid.voms("dteam")
    user = own_grid.user("bob")
    asked = {"vo": "dteam", "fqans": ["/dteam"]}
    out = tmp_path / "proxy.pem"
    host = SERVERS["dteam"].host
    ac = make_ac(
        holder=user.load().certificate,
        voms=server.load(),
        host=host,
        **asked,
        **knobs,
    )
    if maker == "own":
        out.write_bytes(make_proxy(user.load(), ac=ac).pem())
    else:
        fake_proxy(
            certificate=user.certificate,
            key=user.key,
            out=out,
            hours=12,
            server=FakeServer(
                certificate=server.certificate,
                key=server.key,
                host=host,
                port=VOMS_PORT,
            ),
            options=options,
            **asked,
        )
    assert masked(only_ac(first(out))) == masked(ac)


@pytest.mark.parametrize("user", ["alice", "bob", "erin", "frank"])
def test_the_proxies_have_the_same_extensions(
    own_grid: Grid, maker: str, user: str, tmp_path: Path
) -> None:
    account = ACCOUNTS[user]

    def issue(by: str) -> list[tuple[bytes, ...]]:
        out = tmp_path / f"{by}.pem"
        reissue(own_grid.keys, user, account.vo, account.fqans, out, maker=by)
        return [
            item if len(item) == 3 or user == "frank" else item[:1]
            for item in extensions(first(out))
        ]

    assert sorted(issue("own")) == sorted(issue(maker))


def test_a_proxy_file_holds_proxy_key_and_certificates(grid: Grid) -> None:
    blocks = {
        user: [
            line
            for line in grid.proxy(user).read_text().splitlines()
            if line.startswith("-----BEGIN")
        ]
        for user in ("alice", "bob", "erin")
    }
    certificate = "-----BEGIN CERTIFICATE-----"
    short = [certificate, "-----BEGIN RSA PRIVATE KEY-----", certificate]
    assert blocks == {"alice": short, "bob": short, "erin": [*short, certificate]}


def test_the_validity_of_the_proxies(grid: Grid) -> None:
    now = datetime.now(UTC)
    ca = first(grid.authority("root").certificate)
    for path in grid.proxies.iterdir():
        proxy, user = x509.load_pem_x509_certificates(path.read_bytes())[:2]
        # 12 to 24 hours, and never longer than the certificate above.
        assert user.not_valid_before_utc < proxy.not_valid_before_utc < now
        assert user.not_valid_after_utc > now
        if path.stem == "expired":
            assert proxy.not_valid_after_utc < now
        else:
            left = proxy.not_valid_after_utc - now
            assert 22 * 3600 < left.total_seconds() <= 23 * 3600
            assert proxy.not_valid_after_utc < ca.not_valid_after_utc
        assert proxy.public_key().key_size == 2048


def test_the_plain_proxy_has_no_ac(grid: Grid) -> None:
    oids = [extension.oid for extension in first(grid.proxy("frank")).extensions]
    assert AC_SEQUENCE not in oids


def test_mallory_has_all_of_alice_but_the_ca(grid: Grid) -> None:
    def facts(name: str) -> tuple[object, ...]:
        proxy, user = x509.load_pem_x509_certificates(grid.proxy(name).read_bytes())
        ac = only_ac(proxy)
        said = [c for _, tag, c in flatten(ac) if tag in (0x86, 0x04)]
        return user.subject, said[:2], user.issuer

    assert facts("mallory")[:2] == facts("alice")[:2]
    assert facts("mallory")[2] != facts("alice")[2]
    trusted = grid.ca_bundle.read_bytes()
    assert facts("mallory")[2] not in [
        ca.subject for ca in x509.load_pem_x509_certificates(trusted)
    ]
