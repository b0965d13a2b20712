# SPDX-License-Identifier: Apache-2.0
"""Rows for rules 8 and 23: what a CA may sign, and files that are bad.

Owns the files of the CA directory and of vomsdir other than CRLs. Must never
change what the client sends.
Read first: CASES.
"""

from __future__ import annotations

from tests.grid.certs import make_ca, pooled_key
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import LSC
from tests.unit.voms.site import HOST, ROOT, SUB, Chain, Site, ac, ca_files, proxy

# The good site names the root's files 00000000.* and the sub-CA's 00000001.*.
NAMESPACES = "00000001.namespaces"
SIGNING_POLICY = "00000001.signing_policy"
ROOT_NAMESPACES = "00000000.namespaces"
ROOT_SIGNING_POLICY = "00000000.signing_policy"
FILES = {
    "namespaces of the sub-CA": (NAMESPACES, "namespaces_denied"),
    "signing_policy of the sub-CA": (SIGNING_POLICY, "signing_policy_denied"),
    "namespaces of the root": (ROOT_NAMESPACES, "namespaces_denied"),
    "signing_policy of the root": (ROOT_SIGNING_POLICY, "signing_policy_denied"),
}
BROKEN = {"empty": b"", "torn": b"torn", "not a text": b"\xff"}


def without(*names: str) -> Build:
    """Build alice's proxy where these files are missing."""
    return lambda site: site.having(without=names)


def saying(name: str, old: bytes, new: bytes) -> Build:
    """Build alice's proxy where a file says something else."""
    return lambda site: site.having(ca={name: site.ca_files[name].replace(old, new)})


def namespaces(text: str) -> Build:
    """Build alice's proxy where the sub-CA's namespaces file is this."""
    return lambda site: site.having(ca={NAMESPACES: text.encode()})


def only_the_sub_ca(site: Site) -> Chain:
    """Let the files of the root permit the sub-CA, and so not the root itself."""
    dn = SUB.encode()
    for name, old, new in (
        (ROOT_NAMESPACES, b"/DC=org/DC=example/.*", dn),
        (ROOT_SIGNING_POLICY, b"/DC=org/DC=example/*", dn),
    ):
        site.ca_files[name] = site.ca_files[name].replace(old, new)
    return proxy()


def in_the_files_of_the_root(old: bytes = b"", new: bytes = b"") -> Build:
    """Build alice's proxy where the sub-CA's rules stand in the root's files."""

    def build(site: Site) -> Chain:
        for name, above in (
            (NAMESPACES, ROOT_NAMESPACES),
            (SIGNING_POLICY, ROOT_SIGNING_POLICY),
        ):
            site.ca_files[above] += site.ca_files.pop(name).replace(old, new)
        return proxy()

    return build


POLICIES = (
    bad(
        8,
        "namespaces_missing",
        "neither file of the sub-CA",
        without(NAMESPACES, SIGNING_POLICY),
        says=SUB,
    ),
    bad(
        8,
        "namespaces_missing",
        "neither file of the root",
        without(ROOT_NAMESPACES, ROOT_SIGNING_POLICY),
        says=ROOT,
    ),
    *(good(8, f"no {what}", without(name)) for what, (name, _) in FILES.items()),
    *(
        bad(8, code, f"the {what} says no", saying(name, b"example/", b"elsewhere/"))
        for what, (name, code) in FILES.items()
    ),
    *(
        bad(
            8,
            code,
            f"the {what} is {how}",
            lambda site, name=name, content=content: site.having(ca={name: content}),
        )
        for what, (name, code) in FILES.items()
        for how, content in BROKEN.items()
    ),
    good(8, "the files of the root permit the sub-CA alone", only_the_sub_ca),
    good(8, "rules of the sub-CA in the files of the root", in_the_files_of_the_root()),
    bad(
        8,
        "namespaces_denied",
        "rules of the sub-CA in the files of the root that say no",
        in_the_files_of_the_root(b'Subject "/DC=org', b'Subject "/DC=net'),
    ),
    good(
        8,
        "SELF as the issuer",
        namespaces('TO Issuer SELF PERMIT Subject "/DC=org/.*"'),
    ),
    bad(
        8,
        "namespaces_denied",
        "SELF as the issuer of others",
        namespaces('TO Issuer SELF PERMIT Subject "/DC=net/.*"'),
    ),
    bad(
        8,
        "namespaces_denied",
        "a denial after a permission",
        namespaces(
            'TO Issuer SELF PERMIT Subject ".*"\n'
            'TO Issuer SELF DENY Subject ".*/CN=alice"'
        ),
    ),
)


def denied_by_another(site: Site) -> Chain:
    """Add a file that denies all of the sub-CA, of a CA that is not above alice."""
    other = make_ca("/DC=org/DC=example/CN=Other", key=pooled_key(2))
    denial = f'TO Issuer "{SUB}" DENY Subject ".*"\n'.encode()
    files = {**ca_files("other", other), "other.namespaces": denial}
    return site.having(ca=files)


def other_ca(broken: str) -> Build:
    """Build alice's proxy where one file of another CA is broken."""

    def build(site: Site) -> Chain:
        other = make_ca("/DC=org/DC=example/CN=Other", key=pooled_key(2))
        return site.having(ca={**ca_files("other", other), f"other.{broken}": b"torn"})

    return build


def at_vomsdir(name: str, content: bytes) -> Build:
    """Build alice's proxy where there is another file in vomsdir."""
    return lambda site: site.having(vomsdir={name: content})


def of_a_broken_vo(site: Site) -> Chain:
    """Return a proxy with an AC of a VO whose LSC file is broken, and dteam's."""
    other = ac(vo="ops", fqans=["/ops"])
    return site.having(proxy(ac=[ac(), other]), vomsdir={f"ops/{HOST}.lsc": b"words"})


BAD_FILES = (
    good(23, "a file of another CA that denies this one", denied_by_another),
    *(
        good(23, f"a broken {suffix} of another CA", other_ca(suffix))
        for suffix in ("0", "r0", "namespaces", "signing_policy")
    ),
    good(
        23, "a broken LSC file of another VO", at_vomsdir(f"ops/{HOST}.lsc", b"words")
    ),
    good(
        23, "a broken LSC file of another server", at_vomsdir("dteam/b.lsc", b"words")
    ),
    good(
        23,
        "a torn PEM file beside the LSC file",
        at_vomsdir("dteam/torn.pem", b"-----BEGIN CERTIFICATE-----"),
    ),
    bad(
        23,
        "issuer_unknown",
        "a broken certificate of the sub-CA",
        lambda site: site.having(proxy(), ca={"00000001.0": b"torn"}),
    ),
    bad(23, "lsc_unreadable", "a broken LSC file of the VO", at_vomsdir(LSC, b"words")),
    bad(
        23,
        "lsc_unreadable",
        "a broken LSC file of the second VO",
        of_a_broken_vo,
        subject="AC of ops",
    ),
)

CASES = (*POLICIES, *BAD_FILES)
