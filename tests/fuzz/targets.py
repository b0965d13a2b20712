# SPDX-License-Identifier: Apache-2.0
"""What is fed with bytes: each parser of the VOMS core, and whole chains.

Owns, for each, the errors that it may raise, its good inputs, and what must
hold of a value. Must never catch more than those errors. Read first: Target;
`tests.properties` and `python -m tests.fuzz` both run these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.ac import acs_from_extension
from keystone_voms_ext.voms.certificates import (
    AC_SEQUENCE,
    DRAFT_PROXY_CERT_INFO,
    PROXY_CERT_INFO,
    Certificate,
    Extension,
    read_proxy_info,
)
from keystone_voms_ext.voms.chain import certificates_from_pem, is_proxy
from keystone_voms_ext.voms.codes import CODES
from keystone_voms_ext.voms.crl import Crl
from keystone_voms_ext.voms.errors import CredentialRefused
from keystone_voms_ext.voms.names import Name, dn_from_file
from keystone_voms_ext.voms.policyfiles import (
    PolicyFileError,
    Statement,
    parse_lsc,
    parse_namespaces,
    parse_signing_policy,
    permits,
)
from keystone_voms_ext.voms.signatures import public_key
from tests.fuzz.world import World, tbs_of
from tests.grid.ac import rfc_targets
from tests.grid.certs import LIMITED, der_integer, der_oid, proxy_cert_info
from tests.grid.certs import der as der_of
from tests.unit.voms.site import ALICE

LSC = b"# comment\n/DC=org/CN=a\n/DC=org/CN=b\n----- NEXT CHAIN -----\n/CN=c\r\n"
NAMESPACES = (
    b'# comment\nTO Issuer "/DC=org/CN=CA" \\\n  PERMIT Subject "/DC=org/(a|b)?.*"\n'
    b'TO Issuer SELF DENY Subject "^/C=[A-Z]{2}/.*\\.org/CN=[^/]+x?$"\n'
    b'TO Issuer SELF PERMIT Subject "/DC=org/.*/CN=.*"\n'
)
SIGNING_POLICY = (
    b"# comment\naccess_id_CA X509 '/DC=org/CN=CA'\npos_rights globus CA:sign\n"
    b'cond_subjects globus \'"/DC=org/*" "/C=??/*a*"\'\n'
)
# What the files are made of, for changes that keep to their grammar.
WORDS = (
    *("TO", "Issuer", "SELF", "PERMIT", "DENY", "Subject", "access_id_CA", "X509"),
    *("pos_rights", "globus", "CA:sign", "cond_subjects", "NEXT CHAIN", "'", '"'),
    *("\n", "\r\n", "\\\n", " ", "#", "/CN=a", "/DC=org/DC=example", '"/DC=org/.*"'),
    *("'/CN=CA'", '\'"/DC=org/*" "/C=?*"\'', "^", "$", ".*", "[^/]+", "(a|b)?"),
    *("{2,3}", "\\.", "\\x41", "[a", "*?", "é", "\0", "\\/", "\\+", "-----", '""'),
    *("a", "a*", "a?", "[ab]*", "(a|b)", "(a|[ab])", "(", ")", "|", "{1,99}", "+"),
)
# DNs that make patterns work hard: much of the same, up to what is looked at.
SUBJECTS = ("", ALICE, "a" * 1024, "/CN=" + "a" * 1000, "/a=b" * 256, "/" * 1024)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One entry point: `run` gives a value or raises one of `refuses`."""

    name: str
    run: Callable[[World, bytes], object]
    refuses: tuple[type[Exception], ...]
    seeds: Callable[[World], Iterable[bytes]]
    is_der: bool = True

    def feed(self, world: World, data: bytes) -> bool:
        """Return whether `data` gave a value; an error of any other kind escapes."""
        try:
            self.run(world, data)
        except self.refuses as error:
            assert str(error).isprintable(), f"not one line: {error!s:.200}"
            if isinstance(error, CredentialRefused):
                assert error.code in CODES
            return False
        return True


_READERS: dict[int, tuple[Callable[[der.Element], object], ...]] = {
    der.BOOLEAN: (der.boolean,),
    der.INTEGER: (der.integer,),
    der.BIT_STRING: (der.bit_string, der.named_bits),
    der.NULL: (der.null,),
    der.OID: (der.oid,),
    der.UTC_TIME: (der.time,),
    der.GENERALIZED_TIME: (der.time,),
    der.SEQUENCE: (der.sequence, der.fields),
}
_OTHER = (der.null,)


def _elements(world: World, data: bytes) -> None:
    """Read all elements; each must be made of the bytes that were there."""
    waiting = [der.read(data, 0, len(data))]
    while waiting:
        element = waiting.pop()
        assert element.encoded.endswith(element.value)
        assert der_of(element.tag, element.value) == element.encoded
        for reader in _READERS.get(element.tag, _OTHER):
            with suppress(der.DerError):
                reader(element)
        if element.tag & 0x20:
            inside = der.children(element)
            assert b"".join(part.encoded for part in inside) == element.value
            waiting += inside


def _name(world: World, data: bytes) -> None:
    name = Name.from_der(der.whole(data))
    assert name.oneline.isascii()
    assert name.oneline.isprintable() or not name.oneline
    assert name.in_files == dn_from_file(name.oneline.encode())
    assert name == Name.from_der(der.whole(data))
    name.proxy_parent()
    assert isinstance(name.last_value, str)


def _certificate(world: World, data: bytes) -> None:
    certificate = Certificate.from_der(data)
    assert certificate.signed.tbs in data
    is_proxy(certificate)
    public_key(certificate.key_info)


def _proxy_info(world: World, data: bytes) -> None:
    with suppress(CredentialRefused):
        read_proxy_info(Extension(PROXY_CERT_INFO, True, data))
        return
    read_proxy_info(Extension(DRAFT_PROXY_CERT_INFO, True, data))


def _acs(world: World, data: bytes) -> None:
    assert acs_from_extension(Extension(AC_SEQUENCE, False, data))


def _crl(world: World, data: bytes) -> None:
    crl = Crl.from_der(data)
    serials = crl.serials()
    assert serials is None or all(isinstance(serial, int) for serial in serials)
    crl.is_signed_by(Certificate.from_der(world.sub.chain()[0]))


def _pem(world: World, data: bytes) -> None:
    for item in certificates_from_pem(data):
        der.whole(item)


def _lsc(world: World, data: bytes) -> None:
    chains = parse_lsc(data)
    assert chains
    assert all(dn.startswith("/") for chain in chains for dn in chain)
    assert all(chains)


def _namespaces(world: World, data: bytes) -> None:
    _ask(parse_namespaces(data))


def _signing_policy(world: World, data: bytes) -> None:
    _ask(parse_signing_policy(data))


def _ask(statements: tuple[Statement, ...]) -> None:
    for subject in SUBJECTS:
        assert isinstance(permits(statements, subject), bool)


def _chain(world: World, data: bytes) -> None:
    chain: list[bytes] = []
    while data:
        try:
            end = der.read(data, 0, len(data)).end
        except der.DerError:
            end = len(data)
        chain.append(data[:end])
        data = data[end:]
    # Nothing here holds a key, so that no change can make another person.
    assert world.verdict(chain).dn == ALICE


def _signed_proxy(world: World, data: bytes) -> None:
    assert world.verdict(world.with_signed_proxy(data)).dn == ALICE


def _signed_user(world: World, data: bytes) -> None:
    world.verdict(world.with_signed_user(data))


def _signed_ac(world: World, data: bytes) -> None:
    found = world.verdict(world.with_signed_ac(data))
    assert found.dn == ALICE
    assert found.vo == "dteam"
    assert all(fqan.split("/")[1] == "dteam" for fqan in found.fqans)


def _rich_acs(world: World) -> tuple[bytes, ...]:
    generic = [("nickname", "alice", "dteam"), ("a", "", "b")]
    return (
        world.ac(),
        world.ac(generic=generic, targets=["a.example.org"], holder_form="issuer"),
        world.ac(targets=rfc_targets(["a.example.org", "b.example.org"])),
    )


def _extensions(world: World) -> tuple[bytes, ...]:
    acs = _rich_acs(world)
    return tuple(der_of(0x30, der_of(0x30, *some)) for some in (acs[:1], acs))


def _proxy_infos(world: World) -> list[bytes]:
    language = der_of(0x30, der_oid(LIMITED))
    draft = der_of(0x30, language, der_of(0xA1, der_integer(1)))
    return [proxy_cert_info(path_length=3, policy=b"x"), draft]


def _certificates(world: World) -> tuple[bytes, ...]:
    return (*world.proxy.chain(), *world.voms.chain(), *world.root.chain())


_REFUSED = (CredentialRefused,)
_DER = (der.DerError,)
_FILE = (PolicyFileError,)

TARGETS = (
    Target(name="der", run=_elements, refuses=_DER, seeds=_certificates),
    Target(
        name="name",
        run=_name,
        refuses=_DER,
        seeds=lambda world: [
            item.subject.public_bytes()
            for item in (world.root.certificate, world.proxy.certificate)
        ],
    ),
    Target(name="certificate", run=_certificate, refuses=_REFUSED, seeds=_certificates),
    Target(name="proxy_info", run=_proxy_info, refuses=_REFUSED, seeds=_proxy_infos),
    Target(name="ac", run=_acs, refuses=_REFUSED, seeds=_extensions),
    Target(name="crl", run=_crl, refuses=_DER, seeds=lambda world: [world.crl()]),
    Target(
        name="pem",
        run=_pem,
        refuses=_REFUSED,
        seeds=lambda world: [world.proxy.pem(), world.proxy.certificate_pem()],
        is_der=False,
    ),
    Target(
        name="lsc", run=_lsc, refuses=_FILE, seeds=lambda world: [LSC], is_der=False
    ),
    Target(
        name="namespaces",
        run=_namespaces,
        refuses=_FILE,
        seeds=lambda world: [
            NAMESPACES,
            NAMESPACES.splitlines(keepends=True)[-1],
            b'TO Issuer SELF PERMIT Subject "a"',
        ],
        is_der=False,
    ),
    Target(
        name="signing_policy",
        run=_signing_policy,
        refuses=_FILE,
        seeds=lambda world: [SIGNING_POLICY],
        is_der=False,
    ),
    Target(
        name="chain",
        run=_chain,
        refuses=_REFUSED,
        seeds=lambda world: [b"".join(world.proxy.chain())],
    ),
    Target(
        name="signed_proxy",
        run=_signed_proxy,
        refuses=_REFUSED,
        seeds=lambda world: [tbs_of(world.proxy.chain()[0])],
    ),
    Target(
        name="signed_user",
        run=_signed_user,
        refuses=_REFUSED,
        seeds=lambda world: [tbs_of(world.alice.chain()[0])],
    ),
    Target(
        name="signed_ac",
        run=_signed_ac,
        refuses=_REFUSED,
        seeds=lambda world: [tbs_of(ac) for ac in _rich_acs(world)],
    ),
)
