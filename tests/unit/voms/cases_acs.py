# SPDX-License-Identifier: Apache-2.0
"""Rows for rules 12 to 15: which ACs count, their holder, issuer, serial, times.

Owns every field of an AC before its attributes. Must never hold a row on who
signed it: ``cases_signers`` does.
Read first: CASES.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509

from tests.grid.ac import directory_name, generalized_time
from tests.grid.certs import (
    AC_SEQUENCE,
    Credential,
    der,
    der_integer,
    make_proxy,
    make_user,
    name,
    pooled_key,
)
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import carrying, edited_chain
from tests.unit.voms.site import (
    ALICE,
    HOST,
    NOW,
    SUB,
    VOMS,
    Chain,
    Site,
    ac,
    cast,
    proxy,
)

BOB = "/DC=org/DC=example/CN=bob"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
# Rows are judged a minute after NOW, and a clock may be five minutes wrong.
SKEW = 6 * MINUTE


def bob() -> x509.Certificate:
    """Return the certificate of another user of the same CA."""
    return make_user(BOB, issuer=cast().sub, key=pooled_key(2)).certificate


def of_the_user(site: Site) -> Credential:
    """Return a plain proxy of a user whose own certificate carries an AC."""
    value = x509.UnrecognizedExtension(AC_SEQUENCE, der(0x30, der(0x30, ac())))
    user = make_user(
        ALICE, issuer=cast().sub, key=pooled_key(1), extra=[(value, False)]
    )
    return make_proxy(user)


def under_an_ac(**changes: object) -> Build:
    """Build a proxy with a changed AC under alice's good one."""
    return lambda site: make_proxy(proxy(), ac=ac(**changes))


WHICH = (
    good(12, "the AC in the leaf", lambda site: proxy()),
    good(12, "the AC in the proxy above the leaf", lambda site: make_proxy(proxy())),
    good(
        12, "of two ACs the nearest", under_an_ac(fqans=["/dteam"]), fqans=("/dteam",)
    ),
    good(
        12,
        "of two ACs above the leaf the nearest",
        lambda site: make_proxy(under_an_ac(fqans=["/dteam"])(site)),
        fqans=("/dteam",),
    ),
    bad(
        12,
        "holder_mismatch",
        "a bad AC under a good one",
        lambda site: under_an_ac(holder=bob())(site),
    ),
    bad(12, "no_ac", "a proxy without an AC", lambda site: make_proxy(cast().alice)),
    bad(12, "no_ac", "an AC in the user's own certificate", of_the_user),
)

OPS_LSC = {f"ops/{HOST}.lsc": f"{VOMS}\n{SUB}\n".encode()}


def two(first: str, second: str, **changes: object) -> Build:
    """Build a proxy with ACs of these two VOs, of which ops is a known one too."""

    def build(site: Site) -> Chain:
        holder = bob() if changes.get("holder") == BOB else cast().alice.certificate
        kept = {**changes, "holder": holder}
        acs = [
            ac(vo=vo, fqans=[f"/{vo}"], **(kept if vo != "dteam" else {}))
            for vo in (first, second)
        ]
        return site.having(proxy(ac=acs), vomsdir=OPS_LSC)

    return build


def vos_of_others(case_vo: str) -> dict[str, object]:
    """Return what a row expects of a credential of that one VO."""
    return {"vo": case_vo, "fqans": (f"/{case_vo}",), "primary_fqan": f"/{case_vo}"}


SEVERAL = (
    good(13, "ACs of two VOs", two("dteam", "ops"), **vos_of_others("dteam")),
    good(
        13, "ACs of two VOs the other way", two("ops", "dteam"), **vos_of_others("ops")
    ),
    bad(
        13,
        "holder_mismatch",
        "a second AC that is bad",
        two("dteam", "ops", holder=BOB),
        subject="AC of ops",
    ),
    bad(
        13,
        "ac_expired",
        "a second AC that is over",
        two("dteam", "ops", not_after=NOW),
        subject="AC of ops",
    ),
    good(
        13,
        "a bad AC of an unknown VO first",
        two("other", "dteam", holder=BOB),
        **vos_of_others("dteam"),
        ignored_vos=("other",),
        others=(),
    ),
    good(
        13,
        "an AC of an unknown VO last",
        two("dteam", "other"),
        **vos_of_others("dteam"),
        ignored_vos=("other",),
        others=(),
    ),
    bad(
        13,
        "no_known_vo",
        "an unknown VO alone",
        carrying(vo="other", fqans=["/other"]),
        says="other",
    ),
    bad(
        13,
        "no_known_vo",
        "a vomsdir without the VO",
        lambda site: site.having(without=[f"dteam/{HOST}.lsc"]),
    ),
)


def holder(*uid: bytes, names: bytes | None = None, rest: bytes = b"") -> Build:
    """Build a proxy whose AC has a holder with other names, or more in it."""

    def build(site: Site) -> Credential:
        named = directory_name(name(ALICE)) if names is None else names
        serial = der_integer(cast().alice.certificate.serial_number)
        base = der(0xA0, der(0x30, named), serial, *uid)
        return proxy(ac=ac(holder_der=der(0x30, base, rest)))

    return build


def held_by(serial_too: bool, form: str = "subject") -> Build:
    """Build a proxy whose AC names bob as the holder, with his serial or alice's."""

    def build(site: Site) -> Credential:
        serial = None if serial_too else cast().alice.certificate.serial_number
        made = ac(holder=bob(), holder_serial=serial, holder_form=form)
        return proxy(ac=made)

    return build


def next_serial(site: Site) -> Credential:
    """Return a proxy whose AC has a holder's serial that is one too high."""
    serial = cast().alice.certificate.serial_number + 1
    return proxy(ac=ac(holder_serial=serial))


def both_with_uid(site: Site) -> Chain:
    """Return a chain in which alice's certificate and AC have one issuer's uid."""
    serial = der_integer(cast().alice.certificate.serial_number)
    base = der(0xA0, der(0x30, directory_name(name(SUB))), serial, UID)
    user = edited_chain(lambda fields: fields.insert(7, der(0x81, b"\x00a")))
    carrier = proxy(ac=ac(holder_der=der(0x30, base)))
    return (carrier.chain()[0], *user[1:])


UID = der(0x03, b"\x00a")
ALICE_NAME = directory_name(name(ALICE))

HOLDERS = {
    "an empty holder": carrying(holder_der=der(0x30)),
    "an entityName": carrying(holder_der=der(0x30, der(0xA1, ALICE_NAME))),
    "an entityName beside the serial": holder(rest=der(0xA1, ALICE_NAME)),
    "a digest beside the serial": holder(rest=der(0xA2)),
    "no name beside the serial": holder(names=b""),
    "a DNS name beside the serial": holder(names=der(0x82, b"a.example.org")),
    "two names beside the serial": holder(names=ALICE_NAME * 2),
}

HOLDER = (
    *(
        bad(
            14, "ac_version", f"a version field of {version}", carrying(version=version)
        )
        for version in (0, 2, -1)
    ),
    good(14, "the holder's own name and serial", carrying(holder_form="subject")),
    good(14, "the holder's issuer and serial", carrying(holder_form="issuer")),
    good(14, "a holder with the uid that the certificate has", both_with_uid),
    *(bad(14, "ac_holder_malformed", what, build) for what, build in HOLDERS.items()),
    *(
        bad(14, "holder_mismatch", f"another {form} and serial", held_by(True, form))
        for form in ("subject", "issuer")
    ),
    bad(14, "holder_mismatch", "another serial", next_serial),
    bad(14, "holder_mismatch", "another name", held_by(False)),
    bad(14, "holder_mismatch", "a uid that the certificate lacks", holder(UID)),
)

VOMS_NAME = directory_name(name(VOMS))

ISSUERS = {
    "a v1Form": der(0x30, VOMS_NAME),
    "an empty v2Form": der(0xA0),
    "no name": der(0xA0, der(0x30)),
    "a baseCertificateID alone": der(0xA0, der(0xA0)),
    "a DNS name": der(0xA0, der(0x30, der(0x82, b"a"))),
    "two names": der(0xA0, der(0x30, VOMS_NAME * 2)),
    "a baseCertificateID too": der(0xA0, der(0x30, VOMS_NAME), der(0xA0)),
}

TIMES = {
    "UTCTime": der(0x17, b"361124120000Z"),
    "a fraction": der(0x18, b"20361124120000.5Z"),
    "a time zone": der(0x18, b"20361124120000+0000"),
    "a thirteenth month": der(0x18, b"20361324120000Z"),
    "NULL": der(0x05),
}

FIELDS = (
    *(
        bad(
            15,
            "ac_issuer_malformed",
            f"{what} as the issuer",
            carrying(issuer_der=field),
        )
        for what, field in ISSUERS.items()
    ),
    bad(
        15,
        "ac_issuer_mismatch",
        "an issuer that is not the signer",
        carrying(issuer_der=der(0xA0, der(0x30, directory_name(name(BOB))))),
    ),
    *(
        good(15, f"the serial {what}", carrying(serial=serial))
        for what, serial in (("0", 0), ("of 20 octets", 1 << 158))
    ),
    *(
        bad(15, "ac_serial_invalid", f"the serial {what}", carrying(serial=serial))
        for what, serial in (("-1", -1), ("of 21 octets", 1 << 159))
    ),
    *(
        bad(
            15,
            "ac_time_malformed",
            f"{what} as the {which}",
            carrying(validity_der=der(0x30, *times)),
        )
        for what, time in TIMES.items()
        for which, times in (
            ("end", (generalized_time(NOW), time)),
            ("beginning", (time, generalized_time(NOW))),
        )
    ),
    good(
        15,
        "an AC from within the clock skew",
        carrying(not_before=NOW + SKEW),
        not_before=NOW + SKEW,
    ),
    bad(
        15,
        "ac_not_yet_valid",
        "an AC from after the clock skew",
        carrying(not_before=NOW + SKEW + SECOND),
    ),
    bad(
        15,
        "ac_not_yet_valid",
        "an AC from after a smaller skew",
        carrying(not_before=NOW + SKEW),
        rules={"skew_seconds": 299},
    ),
    good(
        15,
        "an AC in its last second",
        carrying(not_after=NOW + MINUTE),
        not_after=NOW + MINUTE,
    ),
    bad(
        15,
        "ac_expired",
        "a second after the AC's end, whatever the skew",
        carrying(not_after=NOW + MINUTE - SECOND),
        rules={"skew_seconds": 3600},
    ),
)

CASES = (*WHICH, *SEVERAL, *HOLDER, *FIELDS)
