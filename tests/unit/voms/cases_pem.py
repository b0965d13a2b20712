# SPDX-License-Identifier: Apache-2.0
"""Rows for rules 1 and 2 on the outside: caps, and the PEM text of a chain.

Owns no bytes of a certificate: ``cases_der`` does. Must never need a CA that
the good site does not have.
Read first: CASES.
"""

from __future__ import annotations

from tests.grid.ac import extension
from tests.grid.certs import Credential, make_proxy
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import carrying
from tests.unit.voms.site import ac, cast, proxy

BEGIN = b"-----BEGIN CERTIFICATE-----\n"
END = b"-----END CERTIFICATE-----\n"

THOUSAND = tuple(f"/dteam/g{number}" for number in range(1000))


def padded(size: int) -> Build:
    """Build alice's proxy file, filled up with blanks to that size."""

    def build(site: object) -> bytes:
        pem = proxy().pem()
        return pem + b" " * (size - len(pem))

    return build


def deep(depth: int) -> Credential:
    """Return the last of a row of proxies, the first of which carries the AC."""
    deepest = proxy(path_length=None)
    for _ in range(depth - 1):
        deepest = make_proxy(deepest, path_length=None)
    return deepest


def beside(block: bytes) -> Build:
    """Build alice's proxy file with more text at its end."""
    return lambda site: proxy().pem() + block


def alone(pem: bytes) -> Build:
    """Build this text."""
    return lambda site: pem


def block(label: bytes, body: bytes = b"MAA=\n") -> bytes:
    """Return a PEM block."""
    return (
        b"-----BEGIN " + label + b"-----\n" + body + b"-----END " + label + b"-----\n"
    )


CAPS = (
    good(1, "a PEM text of 200,000 bytes", padded(200_000)),
    bad(1, "pem_too_large", "a PEM text of 200,001 bytes", padded(200_001)),
    bad(
        1,
        "pem_too_large",
        "ten thousand certificates",
        lambda site: cast().alice.certificate_pem() * 10_000,
    ),
    bad(1, "chain_too_large", "200,001 bytes of DER", lambda site: (bytes(200_001),)),
    bad(
        1,
        "too_many_certificates",
        "21 certificates in DER",
        lambda site: (b"\x30\x00",) * 21,
    ),
    bad(
        1,
        "too_many_certificates",
        "21 certificates in PEM",
        lambda site: cast().alice.certificate_pem() * 21,
    ),
    bad(
        5,
        "certificate_repeated",
        "20 certificates, within the cap but the same",
        lambda site: cast().alice.certificate_pem() * 20,
    ),
    good(1, "16 proxies", lambda site: deep(16)),
    bad(1, "too_many_proxies", "17 proxies", lambda site: deep(17)),
    good(
        1,
        "2 proxies where 2 are allowed",
        lambda site: deep(2),
        rules={"max_proxies": 2},
    ),
    bad(
        1,
        "too_many_proxies",
        "2 proxies where 1 is allowed",
        lambda site: deep(2),
        rules={"max_proxies": 1},
    ),
    good(1, "10 ACs", lambda site: proxy(ac=[ac()] * 10)),
    bad(1, "too_many_acs", "11 ACs", lambda site: proxy(ac=[ac()] * 11)),
    good(
        1,
        "an AC of 90 kB",
        carrying(extra_extensions=[extension("1.2.3", bytes(90_000))]),
    ),
    bad(
        1,
        "ac_too_large",
        "an AC of more than 100 kB",
        carrying(extra_extensions=[extension("1.2.3", bytes(100_000))]),
    ),
    good(1, "1000 FQANs", carrying(fqans=THOUSAND), fqans=THOUSAND),
    bad(1, "too_many_fqans", "1001 FQANs", carrying(fqans=[*THOUSAND, "/dteam"])),
)

KEYS = b"".join(
    block(label, b"!!!\n")
    for label in (b"PRIVATE KEY", b"EC PRIVATE KEY", b"EC PARAMETERS")
)

TEXTS = (
    good(2, "a proxy file, its key inside", beside(b"")),
    good(
        2,
        "text around the blocks",
        lambda site: b"Certificate:\n  Data - more\n" + proxy().pem() + b"end",
    ),
    good(
        2,
        "lines that end in CR LF",
        lambda site: proxy().pem().replace(b"\n", b"\r\n"),
    ),
    good(2, "all in one line", lambda site: proxy().pem().replace(b"\n", b" ")),
    good(2, "no line end at the end", lambda site: proxy().pem().rstrip()),
    good(2, "keys that nobody can read", beside(KEYS)),
)

MALFORMED = {
    "a BEGIN line alone": BEGIN,
    "no END line": BEGIN + b"AAAA",
    "a BEGIN line without its last dashes": b"-----BEGIN CERTIFICATE",
    "a BEGIN line over two lines": b"-----BEGIN CERTIFICATE\n-----",
    "an END line of another label": BEGIN + b"AAAA\n-----END CERT-----\n",
    "a BEGIN line inside a block": BEGIN + BEGIN + END,
    "an END line alone": END,
    "an END line too many": BEGIN + b"MA==" + END + END,
    "a BEGIN line of four dashes": b"----BEGIN CERTIFICATE-----\nAAAA\n" + END,
    "a BEGIN line in small letters": b" -----begin certificate-----\nAAAA\n",
    "base64 that is too short": BEGIN + b"MA=\n" + END,
    "base64 that goes on after its end": BEGIN + b"MAA=AAAA\n" + END,
    "a sign that is not base64": BEGIN + b"M*A=\n" + END,
    "a header inside a block": BEGIN + b"Proc-Type: 4,ENCRYPTED\n" + END,
}

LABELS = (b"X509 CRL", b"TRUSTED CERTIFICATE", b" CERTIFICATE", b"\xff", b"")

NOTHING = {
    "no text at all": b"",
    "plain words": b"words",
    "DER in place of PEM": b"\x30\x82\x01\x00",
    "NULs": b"\0" * 100,
}

BROKEN = (
    *(
        bad(2, "pem_malformed", f"{name}, {where}", build(pem))
        for name, pem in MALFORMED.items()
        for where, build in (("alone", alone), ("after a proxy", beside))
    ),
    *(
        bad(2, "pem_block_unknown", f"a block {label!r}", beside(block(label)))
        for label in LABELS
    ),
    *(bad(2, "no_certificate", name, alone(pem)) for name, pem in NOTHING.items()),
    bad(2, "no_certificate", "a key alone", lambda site: cast().alice.key_pem()),
    bad(
        2,
        "certificate_unreadable",
        "PEM of half a certificate",
        beside(BEGIN + b"MIIB\n" + END),
    ),
    bad(2, "certificate_unreadable", "an empty block", beside(BEGIN + END)),
)

CASES = (*CAPS, *TEXTS, *BROKEN)
