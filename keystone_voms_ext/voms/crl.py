# SPDX-License-Identifier: Apache-2.0
"""Certificate revocation lists (rule 7): parsed in part, indexed when needed.

Owns what makes a CRL usable: full, direct, signed by the issuer in question.
Must never count a list that it does not wholly understand. A list may hold a
hundred thousand entries, so they are read at the first look-up only.
Read ``Crl`` first.
"""

from __future__ import annotations

from datetime import datetime

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.certificates import (
    AUTHORITY_KEY_ID,
    CRL_SIGN,
    ISSUER_ALT_NAME,
    Certificate,
    Signed,
    read_extensions,
    read_signed,
)
from keystone_voms_ext.voms.names import Name
from keystone_voms_ext.voms.signatures import verifies

CRL_NUMBER = "2.5.29.20"
REASON_CODE = "2.5.29.21"
INVALIDITY_DATE = "2.5.29.24"
DELTA_CRL_INDICATOR = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT = "2.5.29.28"
CERTIFICATE_ISSUER = "2.5.29.29"

_UNDERSTOOD = {AUTHORITY_KEY_ID, CRL_NUMBER, ISSUER_ALT_NAME}
_PARTIAL = {DELTA_CRL_INDICATOR, ISSUING_DISTRIBUTION_POINT}
_ENTRY_UNDERSTOOD = {REASON_CODE, INVALIDITY_DATE}


class Crl:
    """One CRL of the CA directory, whose signature is checked for each issuer.

    ``next_update`` is None if the list has none; such a list is never in date.
    ``is_full`` says that it covers all certificates of its issuer.
    """

    def __init__(
        self,
        *,
        issuer: Name,
        this_update: datetime,
        next_update: datetime | None,
        signed: Signed,
        is_full: bool,
        entries: der.Element | None,
    ) -> None:
        self.issuer = issuer
        self.this_update = this_update
        self.next_update = next_update
        self._signed = signed
        self.is_full = is_full
        self._entries = entries
        # Filled when asked for; two threads at once write the same answer.
        self._verified: dict[bytes, bool] = {}
        self._serials: frozenset[int] | None = None
        self._is_indexed = False

    @classmethod
    def from_der(cls, data: bytes) -> Crl:
        """Return the CRL in ``data`` (DER); its entries are not read yet.

        Raises DerError.
        """
        tbs, algorithm, signature = der.fields(
            der.whole(data), der.SEQUENCE, der.SEQUENCE, der.BIT_STRING
        )
        fields = der.sequence(tbs, most=7)
        version = 1
        if fields and fields[0].tag == der.INTEGER:
            version = der.integer(fields.pop(0)) + 1
        if len(fields) < 3:
            raise der.DerError("fields of the CRL are missing")
        inner, issuer, this_update, *rest = fields
        next_update: datetime | None = None
        if rest and rest[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME):
            next_update = der.time(rest.pop(0))
        entries: der.Element | None = None
        if rest and rest[0].tag == der.SEQUENCE:
            entries = rest.pop(0)
        listed: der.Element | None = None
        if rest and rest[0].tag == 0xA0:
            (listed,) = der.exactly(1, der.children(rest.pop(0), most=1))
        if rest:
            raise der.DerError("unexpected fields in the CRL")
        extensions, repeated = read_extensions(listed)
        unknown = {
            extension.oid
            for extension in extensions.values()
            if extension.critical and extension.oid not in _UNDERSTOOD
        }
        return cls(
            issuer=Name.from_der(issuer),
            this_update=der.time(this_update),
            next_update=next_update,
            signed=read_signed(tbs, inner, algorithm, signature),
            # A partial or delta list says nothing about what is not in it.
            is_full=version <= 2
            and repeated is None
            and not unknown
            and not _PARTIAL & set(extensions),
            entries=entries,
        )

    def is_signed_by(self, issuer: Certificate) -> bool:
        """Tell whether the key of this CA, which may sign CRLs, signed the list."""
        known = self._verified.get(issuer.der)
        if known is None:
            known = (
                self.issuer == issuer.subject
                and issuer.may_sign(CRL_SIGN)
                and verifies(self._signed, issuer.key_info)
            )
            self._verified[issuer.der] = known
        return known

    def serials(self) -> frozenset[int] | None:
        """Return the revoked serials, or None if an entry is not understood."""
        if not self._is_indexed:
            try:
                self._serials = _index(self._entries)
            except der.DerError:
                self._serials = None
            self._is_indexed = True
            self._entries = None
        return self._serials


def _index(entries: der.Element | None) -> frozenset[int]:
    if entries is None:
        return frozenset()
    data, _, _, offset, end = entries
    serials: list[int] = []
    while offset < end:
        entry = der.read(data, offset, end)
        if entry.tag != der.SEQUENCE:
            raise der.DerError("a CRL entry is not a SEQUENCE")
        serial = der.read(data, entry.start, entry.end)
        serials.append(der.integer(serial))
        date = der.read(data, serial.end, entry.end)
        if date.end != entry.end:
            _check_entry(der.read(data, date.end, entry.end), entry.end)
        offset = entry.end
    return frozenset(serials)


def _check_entry(listed: der.Element, end: int) -> None:
    if listed.end != end:
        raise der.DerError("trailing fields in a CRL entry")
    extensions, _ = read_extensions(listed)
    for extension in extensions.values():
        # An entry with a certificateIssuer is about another CA's certificate.
        if extension.oid == CERTIFICATE_ISSUER or (
            extension.critical and extension.oid not in _ENTRY_UNDERSTOOD
        ):
            raise der.DerError("a CRL entry is not understood")
