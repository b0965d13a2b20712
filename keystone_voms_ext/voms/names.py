# SPDX-License-Identifier: Apache-2.0
"""Names: distinguished names, FQANs, and the VO and host names of an AC.

Owns the one string form of a DN, that of OpenSSL's X509_NAME_oneline, and what
makes it ambiguous. Must never take a name from re-encoded bytes: names come
from the DER as received. Read ``Name.from_der`` first.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Self

from keystone_voms_ext.voms import der

# The short names that OpenSSL prints; any other type is printed as its OID.
SHORT_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.16": "postalAddress",
    "2.5.4.17": "postalCode",
    "2.5.4.18": "postOfficeBox",
    "2.5.4.20": "telephoneNumber",
    "2.5.4.41": "name",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.45": "x500UniqueIdentifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.51": "houseIdentifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.72": "role",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.3": "mail",
    "0.9.2342.19200300.100.1.9": "host",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.44": "uid",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName",
    "1.2.840.113549.1.9.8": "unstructuredAddress",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}
COMMON_NAME = "2.5.4.3"
NAME_MAX_OCTETS = 4096

# UTF8, Numeric, Printable, Teletex, IA5, Visible, Universal, BMP. Teletex is
# read as Latin-1, which is what those who wrote it meant.
_CODECS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_ATTRIBUTE_INSIDE = re.compile(r"[/+][A-Za-z0-9.-]+=")
_ESCAPE_INSIDE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|[/+]|\Z)")

# How each octet is shown, outside a value and inside one.
_SHOWN = {
    octet: chr(octet) if 0x20 <= octet <= 0x7E else f"\\x{octet:02X}"
    for octet in range(256)
}
_SHOWN_IN_VALUE = {**_SHOWN, ord("/"): "\\/", ord("+"): "\\+"}

_LABEL = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
_SAFE_LABEL = re.compile(_LABEL)
_CONTACT = re.compile(rf"(?P<vo>{_LABEL})://(?P<host>{_LABEL}):(?P<port>[0-9]{{1,5}})")
_FQAN = re.compile(
    r"(?:/[A-Za-z0-9_.-]+)+(?:/Role=[A-Za-z0-9_.-]+)?(?:/Capability=[A-Za-z0-9_.-]+)?"
)
FQAN_MAX_OCTETS = 255

# Older tools wrote these; LSC and policy files still do.
_ALIASES = {"/Email=": "/emailAddress=", "/E=": "/emailAddress=", "/USERID=": "/UID="}
_ALIAS = re.compile("|".join(map(re.escape, _ALIASES)))


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name; equal to another if types and texts are equal.

    ``oneline`` is the DN as OpenSSL 3 writes it, ``in_files`` the same as
    ``dn_from_file`` gives it. The string type does not count: a CA that writes
    PrintableString in one place and UTF8String in another means the same name.
    """

    rdns: tuple[tuple[tuple[str, str], ...], ...]
    oneline: str = field(compare=False)
    in_files: str = field(compare=False)
    problem: str | None = field(compare=False)

    @classmethod
    def from_der(cls, element: der.Element) -> Name:
        """Return the name in a DER RDNSequence; raises DerError.

        What rule 22 forbids does not raise here: ``problem`` says what it is,
        so that the check can name the certificate.
        """
        encoded = der.expect(element, der.SEQUENCE).encoded
        if len(encoded) > NAME_MAX_OCTETS:
            raise der.DerError(f"a name longer than {NAME_MAX_OCTETS} octets")
        return _name(encoded)

    def proxy_parent(self) -> tuple[tuple[tuple[str, str], ...], ...] | None:
        """Return the RDNs without the last, if that is one single CN."""
        if not self.rdns or len(self.rdns[-1]) != 1:
            return None
        return self.rdns[:-1] if self.rdns[-1][0][0] == COMMON_NAME else None

    @property
    def last_value(self) -> str:
        """The text of the last attribute, empty in an empty name."""
        return self.rdns[-1][-1][1] if self.rdns else ""


@functools.lru_cache(maxsize=512)
def _name(encoded: bytes) -> Name:
    rdns: list[tuple[tuple[str, str], ...]] = []
    line: list[str] = []
    problem: str | None = None
    for rdn in der.sequence(der.whole(encoded), most=100):
        pairs: list[tuple[str, str]] = []
        for attribute in der.children(der.expect(rdn, der.SET), most=20):
            kind, value = der.exactly(2, der.sequence(attribute, most=2))
            oid = der.oid(kind)
            octets = value.value
            text = _decode(value.tag, octets)
            if text is None:
                # Kept apart from every text, so that two unreadable values
                # are equal only if their octets are.
                problem = problem or f"the value of {oid} is not valid in its encoding"
                text = f"\0{value.tag:02x}{octets.hex()}"
            else:
                problem = problem or _problem(oid, text)
            short = SHORT_NAMES.get(oid, oid)
            shown = octets.decode("latin-1").translate(_SHOWN_IN_VALUE)
            line.append(f"{'+' if pairs else '/'}{short}={shown}")
            pairs.append((oid, text))
        if not pairs:
            raise der.DerError("an empty RDN")
        rdns.append(tuple(pairs))
    if not rdns:
        problem = "it is empty"
    oneline = "".join(line)
    in_files = dn_from_file(oneline.encode("ascii"))
    return Name(tuple(rdns), oneline, in_files, problem)


def _decode(tag: int, octets: bytes) -> str | None:
    codec = _CODECS.get(tag)
    if codec is None:
        return None
    try:
        return octets.decode(codec)
    except UnicodeDecodeError:
        return None


def _problem(oid: str, text: str) -> str | None:
    kind = SHORT_NAMES.get(oid, oid)
    if not text:
        return f"the value of {kind} is empty"
    # What Python calls printable is none of these; the rest is looked at closely.
    if not text.isprintable() and any(
        unicodedata.category(letter) in _UNPRINTABLE for letter in text
    ):
        return f"the value of {kind} holds a control or format character"
    if _ATTRIBUTE_INSIDE.search(text):
        return f"the value of {kind} looks like two attributes"
    if _ESCAPE_INSIDE.search(text):
        return f"the value of {kind} holds what looks like an escape"
    return None


def text_from_file(line: bytes) -> str:
    """Return a text that a person typed into a file, with today's attribute names.

    Octets beyond ASCII become ``\\xHH``, as they are in ``Name.oneline``.
    """
    shown = line.decode("latin-1").translate(_SHOWN)
    return _ALIAS.sub(lambda match: _ALIASES[match[0]], shown)


def dn_from_file(line: bytes) -> str:
    """Return a DN that a person typed into a file in the form of ``in_files``.

    OpenSSL 3 writes ``\\/`` and ``\\+`` inside a value, older ones and Java
    plain signs; here all of them are plain.
    """
    return text_from_file(line).replace("\\/", "/").replace("\\+", "+")


def is_safe_label(text: str) -> bool:
    """Tell whether a VO or host name may be used as the name of a file."""
    return len(text) <= 255 and _SAFE_LABEL.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """The VO and the server of an AC's ``vo://host:port``."""

    vo: str
    host: str
    port: int

    @classmethod
    def from_uri(cls, octets: bytes) -> Self | None:
        """Return the parts, or None if a part may not be used as a path name."""
        match = _CONTACT.fullmatch(octets.decode("latin-1"))
        if match is None or int(match["port"]) > 65535:
            return None
        if not (is_safe_label(match["vo"]) and is_safe_label(match["host"])):
            return None
        return cls(vo=match["vo"], host=match["host"], port=int(match["port"]))


def is_fqan(octets: bytes) -> bool:
    """Tell whether these octets are an FQAN in the syntax of GFD.182 3.4."""
    return (
        len(octets) <= FQAN_MAX_OCTETS
        and b".." not in octets
        and _FQAN.fullmatch(octets.decode("latin-1")) is not None
    )


def fqan_is_of(fqan: str, vo: str) -> bool:
    """Tell whether an FQAN belongs to the VO."""
    return fqan == f"/{vo}" or fqan.startswith(f"/{vo}/")
