# SPDX-License-Identifier: Apache-2.0
"""Rules 3 to 9, 21 and 22: certificates, their issuers, CRLs and policies.

Owns one function a check; each returns None if it holds, one sentence on what
is wrong if not, and MOOT if there is nothing to look at. Must never order
them: ``validate`` does. Read ``Link`` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keystone_voms_ext.voms.anchors import Anchor
from keystone_voms_ext.voms.certificates import (
    ANY_EXTENDED_KEY_USAGE,
    CLIENT_AUTH,
    DIGITAL_SIGNATURE,
    KEY_CERT_SIGN,
    UNDERSTOOD,
    Certificate,
)
from keystone_voms_ext.voms.chain import is_proxy
from keystone_voms_ext.voms.crl import Crl
from keystone_voms_ext.voms.rules import MOOT, Case, Finding
from keystone_voms_ext.voms.signatures import is_accepted, public_key, verifies_again

SERIAL_MAX_BITS = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A certificate and the CA above it, which has ``cas_below`` CAs under it."""

    certificate: Certificate
    issuer: Anchor
    cas_below: int


def shown(moment: datetime) -> str:
    """Return a moment as the messages write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# Rule 3.


def not_version_3(certificate: Certificate, case: Case) -> str | None:
    if certificate.version == 3:
        return None
    return f"The certificate is of X.509 version {certificate.version}."


def algorithm_mismatch(certificate: Certificate, case: Case) -> str | None:
    if certificate.signed.inner_algorithm == certificate.signed.outer_algorithm:
        return None
    return "The certificate names one signature algorithm inside, another outside."


def extension_repeated(certificate: Certificate, case: Case) -> str | None:
    if certificate.repeated is None:
        return None
    return f"The certificate has the extension {certificate.repeated} twice."


def critical_extension_unknown(certificate: Certificate, case: Case) -> str | None:
    for extension in certificate.extensions.values():
        if extension.critical and extension.oid not in UNDERSTOOD:
            return f"The critical extension {extension.oid} is not understood."
    return None


def serial_invalid(certificate: Certificate, case: Case) -> str | None:
    serial = certificate.serial
    if serial >= 0 and serial.bit_length() <= SERIAL_MAX_BITS:
        return None
    return "The certificate's serial is negative or longer than 20 octets."


# Rule 22.


def dn_ambiguous(certificate: Certificate, case: Case) -> str | None:
    for kind, name in (
        ("subject", certificate.subject),
        ("issuer", certificate.issuer),
    ):
        if name.problem is not None:
            return f"The {kind} {name.oneline} is ambiguous: {name.problem}."
    return None


# Rule 4.


def key_not_accepted(certificate: Certificate, case: Case) -> str | None:
    if public_key(certificate.key_info) is not None:
        return None
    return "The certificate's key is of a kind or size that is not accepted."


def algorithm_not_accepted(link: Link, case: Case) -> str | None:
    if is_accepted(link.certificate.signed.inner_algorithm):
        return None
    return "The certificate is signed with an algorithm that is not accepted."


def signature_bits_unused(link: Link, case: Case) -> str | None:
    if link.certificate.signed.unused_bits == 0:
        return None
    return "The certificate's signature has unused bits."


def signature_invalid(link: Link, case: Case) -> str | None:
    issuer = link.issuer.certificate
    if verifies_again(link.certificate.signed, issuer.key_info):
        return None
    return f"The certificate is not signed by the installed {issuer.subject.oneline}."


# Rule 6.


def certificate_expired(certificate: Certificate, case: Case) -> str | None:
    if case.at <= certificate.not_after:
        return None
    return (
        f"The certificate ended at {shown(certificate.not_after)}, "
        f"it is {shown(case.at)}."
    )


def certificate_not_yet_valid(certificate: Certificate, case: Case) -> str | None:
    if certificate.not_before <= case.at:
        return None
    return (
        f"The certificate begins at {shown(certificate.not_before)}, "
        f"it is {shown(case.at)}."
    )


def issuer_not_ca(link: Link, case: Case) -> str | None:
    if link.issuer.certificate.ca:
        return None
    return "The issuer's certificate is not one of a CA."


def issuer_may_not_sign(link: Link, case: Case) -> str | None:
    if link.issuer.certificate.may_sign(KEY_CERT_SIGN):
        return None
    return "The issuer's keyUsage lacks keyCertSign."


def issuer_is_proxy(link: Link, case: Case) -> str | None:
    if not is_proxy(link.issuer.certificate):
        return None
    return "The issuer's certificate is a proxy."


def ca_path_too_long(link: Link, case: Case) -> str | None:
    allowed = link.issuer.certificate.path_length
    if allowed is None or link.cas_below <= allowed:
        return None
    return f"The issuer allows {allowed} CAs below it and has {link.cas_below}."


# Rule 7.


def _newest(issuer: Anchor, case: Case) -> Crl | None:
    """Return the newest usable CRL of the issuer, one that has begun if any has."""
    usable = case.anchors.crls_of(issuer).usable
    begun = [crl for crl in usable if crl.this_update <= case.latest_begin]
    return max(begun or usable, key=lambda crl: crl.this_update, default=None)


def certain_until(issuer: Anchor, case: Case) -> datetime:
    """Return when an issuer whose checks hold may be judged differently.

    That is the end of its certificate or of the CRL to go by, or the moment
    when another CRL takes that one's place.
    """
    moments = [issuer.certificate.not_after]
    crl = _newest(issuer, case) if case.rules.crl_policy != "off" else None
    if crl is not None and crl.next_update is not None:
        moments.append(crl.next_update)
        moments.extend(
            other.this_update - (case.latest_begin - case.at)
            for other in case.anchors.crls_of(issuer).usable
            if other.this_update > case.latest_begin
        )
    return min(moments)


def _found_crl(link: Link, case: Case) -> Crl | None:
    """Return the CRL that the following checks look at, None if there is none."""
    return None if case.rules.crl_policy == "off" else _newest(link.issuer, case)


def crl_unreadable(link: Link, case: Case) -> Finding:
    if case.rules.crl_policy == "off":
        return MOOT
    search = case.anchors.crls_of(link.issuer)
    if search.usable or not search.is_unreadable:
        return None
    return f"The CRL file of {link.issuer.certificate.subject.oneline} is broken."


def crl_unverified(link: Link, case: Case) -> Finding:
    search = case.anchors.crls_of(link.issuer)
    if case.rules.crl_policy == "off" or not (search.usable or search.is_unverified):
        return MOOT
    if not search.is_unverified:
        return None
    return f"The CRL of {link.issuer.certificate.subject.oneline} is not signed by it."


def crl_missing(link: Link, case: Case) -> Finding:
    if case.rules.crl_policy != "require":
        return MOOT
    if _found_crl(link, case) is not None:
        return None
    issuer = link.issuer.certificate.subject.oneline
    return f"There is no full CRL of {issuer} in the CA directory."


def crl_not_yet_valid(link: Link, case: Case) -> Finding:
    crl = _found_crl(link, case)
    if crl is None:
        return MOOT
    if crl.this_update <= case.latest_begin:
        return None
    return (
        f"The CRL of {crl.issuer.oneline} begins at {shown(crl.this_update)}, "
        f"it is {shown(case.at)}."
    )


def crl_expired(link: Link, case: Case) -> Finding:
    crl = _found_crl(link, case)
    if crl is None:
        return MOOT
    if crl.next_update is None:
        return f"The CRL of {crl.issuer.oneline} does not say when the next one comes."
    if case.at <= crl.next_update:
        return None
    return (
        f"The CRL of {crl.issuer.oneline} was to be replaced by "
        f"{shown(crl.next_update)}, it is {shown(case.at)}."
    )


def certificate_revoked(link: Link, case: Case) -> Finding:
    crl = _found_crl(link, case)
    if crl is None:
        return MOOT
    if link.certificate.serial not in (crl.serials() or ()):
        return None
    return (
        f"The certificate with serial {link.certificate.serial:x} (hexadecimal) is "
        f"revoked by the CRL of {crl.issuer.oneline}."
    )


# Rule 8.


def namespaces_denied(link: Link, case: Case) -> Finding:
    subject = link.certificate.subject
    verdict = case.anchors.namespaces.verdict(link.issuer, subject)
    if verdict is not False:
        return None if verdict else MOOT
    issuer = link.issuer.certificate.subject.oneline
    return f"The namespaces file of {issuer} does not permit {subject.oneline}."


def signing_policy_denied(link: Link, case: Case) -> Finding:
    subject = link.certificate.subject
    verdict = case.anchors.signing_policies.verdict(link.issuer, subject)
    if verdict is not False:
        return None if verdict else MOOT
    issuer = link.issuer.certificate.subject.oneline
    return f"The signing_policy file of {issuer} does not permit {subject.oneline}."


def namespaces_missing(link: Link, case: Case) -> str | None:
    subject = link.certificate.subject
    for policies in (case.anchors.namespaces, case.anchors.signing_policies):
        if policies.verdict(link.issuer, subject) is not None:
            return None
    issuer = link.issuer.certificate.subject.oneline
    return f"{issuer} has neither a namespaces nor a signing_policy file."


# Rules 9 and 21: the certificate at the end of a path.


def is_a_ca(certificate: Certificate, case: Case) -> str | None:
    if not certificate.ca:
        return None
    return "The certificate is one of a CA."


def is_a_proxy(certificate: Certificate, case: Case) -> str | None:
    if not is_proxy(certificate):
        return None
    return "The certificate is a proxy."


def may_not_sign(certificate: Certificate, case: Case) -> str | None:
    if certificate.may_sign(DIGITAL_SIGNATURE):
        return None
    return "The certificate's keyUsage lacks digitalSignature."


def not_for_clients(certificate: Certificate, case: Case) -> str | None:
    purposes = certificate.extended_key_usage
    if purposes is None or purposes & {CLIENT_AUTH, ANY_EXTENDED_KEY_USAGE}:
        return None
    return "The certificate's extendedKeyUsage lacks clientAuth."
