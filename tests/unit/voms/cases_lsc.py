# SPDX-License-Identifier: Apache-2.0
"""Rows for rule 20: the LSC and PEM files of vomsdir, and the chain in an AC.

Owns what vomsdir says of a VOMS server. Must never change the user, nor the
server's own certificate.
Read first: CASES.
"""

from __future__ import annotations


from tests.grid.ac import CERTIFICATES
from tests.grid.certs import (
    make_ca,
    make_host,
    name as x509_name,
    pooled_key,
)
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import (
    LSC,
    carrying,
    lsc,
    server_of,
    signed_by,
    with_lsc,
)
from tests.unit.voms.site import (
    HOST,
    ROOT,
    SUB,
    VOMS,
    Chain,
    Site,
    ac,
    cast,
    proxy,
)

PEM = "dteam/voms.pem"
OTHERS = ("/CN=other", "/CN=other CA")

GOOD_LSC = {
    "two lines": lsc(VOMS, SUB),
    "no line end at the end": lsc(VOMS, SUB).rstrip(),
    "CR LF": lsc(VOMS, SUB).replace(b"\n", b"\r\n"),
    "blanks, comments, empty lines": lsc(
        "# a comment", "", f"{VOMS}  ", f"\t{SUB}\r", ""
    ),
    "NEXT CHAIN in dashes": lsc(*OTHERS, "------NEXT CHAIN------", VOMS, SUB),
    "NEXT CHAIN in dashes and blanks": lsc(*OTHERS, "--- NEXT CHAIN ---", VOMS, SUB),
    "NEXT CHAIN alone": lsc(VOMS, SUB, "NEXT CHAIN", *OTHERS),
    "NEXTCHAIN without its blank": lsc(VOMS, SUB, "---NEXTCHAIN", *OTHERS),
    "NEXT CHAIN at the end": lsc(VOMS, SUB, "NEXT CHAIN", *OTHERS, "NEXT CHAIN"),
    "three chains": lsc(*OTHERS, "NEXT CHAIN", *OTHERS, "NEXT CHAIN", VOMS, SUB),
}

OTHER_LSC = {
    "another server": lsc(*OTHERS),
    "the server without its CA": lsc(VOMS),
    "the CA before the server": lsc(SUB, VOMS),
    "another CA": lsc(VOMS, ROOT),
    "a CA too many": lsc(VOMS, SUB, ROOT),
    "the CA in another chain": lsc(VOMS, "NEXT CHAIN", SUB),
    "a longer name": lsc(VOMS + "x", SUB),
    "small letters": lsc(VOMS.lower(), SUB),
}

BROKEN_LSC = {
    "nothing": b"",
    "a comment alone": b"# nothing",
    "words": b"words",
    "a line that is no DN": lsc(VOMS, "x", SUB),
}


def host_with_slash(shown: str) -> Build:
    """Build a proxy with an AC of CN=host/NAME, which the LSC file shows so."""

    def build(site: Site) -> Chain:
        dn = x509_name("/DC=org/DC=example/CN=host/" + HOST)
        signer = make_host(dn, issuer=cast().sub, key=pooled_key(5))
        content = lsc(f"/DC=org/DC=example/CN={shown}", SUB)
        return site.having(signed_by(signer), vomsdir={LSC: content})

    return build


def lsc_at(path: str) -> Build:
    """Build alice's proxy where the LSC file lies elsewhere in vomsdir."""

    def build(site: Site) -> Chain:
        files = {path: site.vomsdir_files[LSC], "dteam/README": b"no file of ours"}
        return site.having(vomsdir=files, without=[LSC])

    return build


def sending(*whom: str, listed: bytes) -> Build:
    """Build a proxy whose AC brings these of the cast, and an LSC file."""

    def build(site: Site) -> Chain:
        sent = [getattr(cast(), name).chain()[0] for name in whom]
        return site.having(proxy(ac=ac(certificates=sent)), vomsdir={LSC: listed})

    return build


def other_sub_sent(site: Site) -> Chain:
    """Return a proxy whose AC brings a CA that is not the installed one."""
    fake = make_ca(SUB, issuer=cast().root, key=pooled_key(2)).chain()[0]
    chain = proxy(ac=ac(certificates=[cast().voms.chain()[0], fake]))
    return site.having(chain, vomsdir={LSC: lsc(VOMS, SUB, ROOT)})


def pem(*names: str, sent: bool = True, path: str = PEM) -> Build:
    """Build alice's proxy where a PEM file of these stands in for the LSC file.

    Without `sent` the AC brings no certificate.
    """

    def build(site: Site) -> Chain:
        people = {**vars(cast()), "another server": server_of()}
        content = b"".join(people[name].certificate_pem() for name in names)
        chain = proxy(ac=ac() if sent else ac(drop=[CERTIFICATES]))
        files = {path: content, "dteam/README": b"the VO is known"}
        return site.having(chain, vomsdir=files, without=[LSC])

    return build


LISTED = (
    *(
        good(
            20,
            f"an LSC file: {what}",
            with_lsc(content),
            ac_issuer=VOMS,
            voms_host=HOST,
        )
        for what, content in GOOD_LSC.items()
    ),
    *(
        good(
            20,
            f"a server with a slash, shown as {shown}",
            host_with_slash(shown),
            ac_issuer=rf"/DC=org/DC=example/CN=host\/{HOST}",
        )
        for shown in (f"host/{HOST}", rf"host\/{HOST}")
    ),
    *(
        bad(
            20,
            "lsc_mismatch",
            f"an LSC file of {what}",
            with_lsc(content),
            subject="AC of dteam",
            says=f"issued by {VOMS}, {SUB}, {LSC} lists",
        )
        for what, content in OTHER_LSC.items()
    ),
    *(
        bad(20, "lsc_unreadable", f"an LSC file of {what}", with_lsc(content))
        for what, content in BROKEN_LSC.items()
    ),
    bad(20, "lsc_not_found", "an LSC file of another host", lsc_at("dteam/other.lsc")),
    bad(20, "lsc_not_found", "an LSC file of another VO", lsc_at(f"ops/{HOST}.lsc")),
    bad(
        20,
        "ac_signer_missing",
        "an AC without certificates",
        carrying(drop=[CERTIFICATES]),
    ),
    bad(
        20,
        "ac_signer_missing",
        "an empty list of certificates",
        carrying(certificates=[]),
    ),
    good(
        20,
        "an AC that brings the sub-CA",
        sending("voms", "sub", listed=lsc(VOMS, SUB, ROOT)),
    ),
    good(
        20,
        "an AC that brings all CAs",
        sending("voms", "sub", "root", listed=lsc(VOMS, SUB, ROOT)),
    ),
    bad(
        20,
        "lsc_mismatch",
        "an AC that brings a CA that is not listed",
        sending("voms", "sub", listed=lsc(VOMS, SUB)),
    ),
    bad(
        20,
        "lsc_mismatch",
        "an AC that brings all CAs, of which one is not listed",
        sending("voms", "sub", "root", listed=lsc(VOMS, SUB)),
    ),
    bad(20, "stray_certificate", "an AC that brings a strange CA", other_sub_sent),
    good(20, "a PEM file of the server", pem("voms"), ac_issuer=VOMS),
    good(
        20, "a PEM file of the server and another", pem("alice", "voms"), ac_issuer=VOMS
    ),
    good(
        20,
        "a PEM file for an AC without certificates",
        pem("alice", "voms", sent=False),
        ac_issuer=VOMS,
    ),
    *(
        bad(20, "lsc_not_found", f"a PEM file of {name}, {how}", pem(name, sent=sent))
        for name in ("alice", "another server")
        for sent, how in ((True, "the server sent"), (False, "the server not sent"))
    ),
    bad(
        20,
        "lsc_not_found",
        "a PEM file in the directory of another VO",
        pem("voms", path="ops/voms.pem"),
    ),
    bad(
        20,
        "lsc_mismatch",
        "a PEM file beside an LSC file of others",
        lambda site: site.having(
            vomsdir={PEM: cast().voms.certificate_pem(), LSC: lsc(*OTHERS)}
        ),
    ),
)

CASES = LISTED
