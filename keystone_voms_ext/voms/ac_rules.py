# SPDX-License-Identifier: Apache-2.0
"""Rules 14 to 21 for attribute certificates (RFC 5755, OGF GFD.182).

Owns one function a check; each returns None if it holds, one sentence on what
is wrong if not, and MOOT if there is nothing to look at. Must never order
them: ``validate`` does. Read ``Claim`` first.
"""

from __future__ import annotations

from dataclasses import dataclass

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.ac import (
    DNS_NAME,
    NO_REV_AVAIL,
    TARGETS,
    URI,
    AttributeCertificate,
)
from keystone_voms_ext.voms.anchors import Lsc, VoDirectory
from keystone_voms_ext.voms.certificates import AUTHORITY_KEY_ID, Certificate
from keystone_voms_ext.voms.names import Contact, fqan_is_of, is_fqan
from keystone_voms_ext.voms.path_rules import shown
from keystone_voms_ext.voms.rules import MOOT, Case, Finding
from keystone_voms_ext.voms.signatures import is_accepted, key_identifier, verifies

SERIAL_MAX_OCTETS = 20
_NULL = b"\x05\x00"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """An AC of a known VO, with the user's certificate that it must fit."""

    ac: AttributeCertificate
    eec: Certificate
    contact: Contact
    directory: VoDirectory

    @property
    def lsc_name(self) -> str:
        """The LSC file in vomsdir that speaks of this AC's server."""
        return f"{self.contact.vo}/{self.contact.host}.lsc"

    @property
    def has_lsc(self) -> bool:
        """Whether that file is there, good or bad."""
        return self.contact.host in self.directory.lsc

    @property
    def lsc(self) -> Lsc | None:
        """The chains of that file, None if it is missing or bad."""
        return self.directory.lsc.get(self.contact.host)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedClaim:
    """A claim with the certificate that is to have signed it, path verified."""

    claim: Claim
    signer: Certificate


def read_contact(ac: AttributeCertificate) -> Contact | None:
    """Return the VO and server that the AC's one URI names, None without it."""
    names = [name for syntax in ac.attributes for name in syntax.authority]
    return Contact.from_uri(names[0].value) if len(names) == 1 else None


# Rule 16, before the VO is known.


def ac_attribute_malformed(ac: AttributeCertificate, case: Case) -> str | None:
    if len(ac.attributes) != 1:
        return f"The AC has {len(ac.attributes)} FQAN attribute values in place of one."
    authority = ac.attributes[0].authority
    if len(authority) == 1 and authority[0].tag == URI:
        return None
    return "The AC's FQAN attribute does not name one URI."


def ac_contact_invalid(ac: AttributeCertificate, case: Case) -> str | None:
    if read_contact(ac) is not None:
        return None
    uri = ac.attributes[0].authority[0].value[:80]
    return f"The AC's URI {uri!r} is not vo://host:port."


# Rule 14.


def ac_version(claim: Claim, case: Case) -> str | None:
    if claim.ac.version == 2:
        return None
    return f"The AC is of version {claim.ac.version}."


def ac_holder_malformed(claim: Claim, case: Case) -> str | None:
    holder = claim.ac.holder
    if holder.is_plain and holder.name is not None:
        return None
    return "The AC's holder is not one directory name and a serial."


def holder_mismatch(claim: Claim, case: Case) -> str | None:
    holder, eec = claim.ac.holder, claim.eec
    # RFC 5755 means the issuer's name; VOMS servers write the subject's.
    if (
        holder.name in (eec.subject, eec.issuer)
        and holder.serial == eec.serial
        and holder.issuer_uid in (None, eec.issuer_uid)
    ):
        return None
    shown_name = holder.name.oneline if holder.name else "nobody"
    return (
        f"The AC was issued to {shown_name} with serial {holder.serial:x}, the user "
        f"is {eec.subject.oneline} with serial {eec.serial:x}."
    )


# Rule 15.


def ac_issuer_malformed(claim: Claim, case: Case) -> str | None:
    if claim.ac.issuer is not None:
        return None
    return "The AC's issuer is not a v2Form with one directory name."


def ac_serial_invalid(claim: Claim, case: Case) -> str | None:
    if claim.ac.serial >= 0 and claim.ac.serial_octets <= SERIAL_MAX_OCTETS:
        return None
    return "The AC's serial is negative or longer than 20 octets."


def ac_time_malformed(claim: Claim, case: Case) -> str | None:
    if claim.ac.times_are_strict:
        return None
    return "The AC's times are not GeneralizedTime in Z without a fraction."


def ac_expired(claim: Claim, case: Case) -> str | None:
    if case.at <= claim.ac.not_after:
        return None
    return f"The AC ended at {shown(claim.ac.not_after)}, it is {shown(case.at)}."


def ac_not_yet_valid(claim: Claim, case: Case) -> str | None:
    if claim.ac.not_before <= case.latest_begin:
        return None
    return f"The AC begins at {shown(claim.ac.not_before)}, it is {shown(case.at)}."


# Rule 17.


def no_fqan(claim: Claim, case: Case) -> str | None:
    if claim.ac.attributes[0].values:
        return None
    return "The AC has no FQAN."


def fqan_malformed(claim: Claim, case: Case) -> str | None:
    for tag, octets in claim.ac.attributes[0].values:
        if tag != der.OCTET_STRING or not is_fqan(octets):
            return f"{octets[:80]!r} is not an FQAN."
    return None


def fqan_outside_vo(claim: Claim, case: Case) -> str | None:
    vo = claim.contact.vo
    for _, octets in claim.ac.attributes[0].values:
        fqan = octets.decode("latin-1")
        if not fqan_is_of(fqan, vo):
            return f"The FQAN {fqan} is not of the VO {vo}."
    return None


# Rule 18.


def ac_extension_repeated(claim: Claim, case: Case) -> str | None:
    if claim.ac.repeated is None:
        return None
    return f"The AC has the extension {claim.ac.repeated} twice."


def ac_extension_critical(claim: Claim, case: Case) -> str | None:
    for extension in claim.ac.extensions.values():
        if extension.critical and extension.oid != TARGETS:
            return f"The AC's extension {extension.oid} is critical."
    return None


def ac_no_rev_avail_missing(claim: Claim, case: Case) -> str | None:
    extension = claim.ac.extensions.get(NO_REV_AVAIL)
    if extension is not None and extension.value == _NULL:
        return None
    return "The AC has no noRevAvail extension."


def ac_key_id_missing(claim: Claim, case: Case) -> str | None:
    if AUTHORITY_KEY_ID in claim.ac.extensions and claim.ac.key_id is not None:
        return None
    return "The AC has no authorityKeyIdentifier with a key id."


# Rule 19.


def ac_not_for_this_host(claim: Claim, case: Case) -> Finding:
    targets = claim.ac.targets
    if targets is None:
        return MOOT
    names = {
        name.value.decode("latin-1") for name in targets if name.tag in (URI, DNS_NAME)
    }
    if not names.isdisjoint(case.rules.hostnames):
        return None
    ours = ", ".join(case.rules.hostnames) or "not known"
    # The names come from a stranger: they go into the log with escapes only.
    theirs = ascii(", ".join(sorted(names))[:200])
    return f"The AC is for the host {theirs}, this host is {ours}."


# Rule 20.


def _sent_dns(claim: Claim) -> tuple[str, ...]:
    """Return the DNs of the chain in the AC, with that of the CA above it."""
    names = [certificate.subject for certificate in claim.ac.certificates]
    for last in claim.ac.certificates[-1:]:
        if not last.is_self_issued:
            names.append(last.issuer)
    return tuple(name.in_files for name in names)


def lsc_unreadable(claim: Claim, case: Case) -> Finding:
    if not claim.has_lsc:
        return MOOT
    if claim.lsc is not None:
        return None
    return f"The file {claim.lsc_name} in vomsdir is broken."


def ac_signer_missing(claim: Claim, case: Case) -> Finding:
    if not claim.has_lsc:
        return MOOT
    if claim.ac.certificates:
        return None
    return "The AC does not bring the certificate of its signer."


def lsc_mismatch(claim: Claim, case: Case) -> Finding:
    if claim.lsc is None:
        return MOOT
    sent = _sent_dns(claim)
    if sent in claim.lsc:
        return None
    listed = " or ".join(", ".join(chain) for chain in claim.lsc)
    return (
        f"LSC mismatch for VO {claim.contact.vo}: the AC was issued by "
        f"{', '.join(sent)}, {claim.lsc_name} lists {listed}."
    )


def find_signer(claim: Claim) -> Certificate | None:
    """Return the certificate that is to have signed the AC, None if unknown.

    With an LSC file it is the first that the AC brings; without one, that of
    a PEM file in this VO's own directory.
    """
    sent = claim.ac.certificates
    if claim.has_lsc:
        return sent[0] if sent else None
    for certificate in claim.directory.certificates:
        if certificate.der == sent[0].der if sent else _fits(claim.ac, certificate):
            return certificate
    return None


def _fits(ac: AttributeCertificate, certificate: Certificate) -> bool:
    return ac.issuer == certificate.subject and verifies(
        ac.signed, certificate.key_info
    )


# Rules 15, 18 and 21, once the signer is known.


def ac_algorithm_mismatch(signed: SignedClaim, case: Case) -> str | None:
    parts = signed.claim.ac.signed
    if parts.inner_algorithm == parts.outer_algorithm:
        return None
    return "The AC names one signature algorithm inside, another outside."


def ac_algorithm_not_accepted(signed: SignedClaim, case: Case) -> str | None:
    if is_accepted(signed.claim.ac.signed.inner_algorithm):
        return None
    return "The AC is signed with an algorithm that is not accepted."


def ac_signature_invalid(signed: SignedClaim, case: Case) -> str | None:
    if verifies(signed.claim.ac.signed, signed.signer.key_info):
        return None
    return f"The AC is not signed by {signed.signer.subject.oneline}."


def ac_issuer_mismatch(signed: SignedClaim, case: Case) -> str | None:
    issuer = signed.claim.ac.issuer
    if issuer == signed.signer.subject:
        return None
    named = issuer.oneline if issuer else "nobody"
    signer = signed.signer.subject.oneline
    return f"The AC names {named} as issuer, its signer is {signer}."


def ac_key_id_mismatch(signed: SignedClaim, case: Case) -> str | None:
    key_id, signer = signed.claim.ac.key_id, signed.signer
    if key_id in (signer.subject_key_id, key_identifier(signer.key_info)):
        return None
    return "The AC's authorityKeyIdentifier is not that of its signer."
