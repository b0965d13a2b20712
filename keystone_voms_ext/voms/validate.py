# SPDX-License-Identifier: Apache-2.0
"""The verdict on a credential: the ordered checks, from chain to attributes.

Owns the order, and the one way from unverified bytes to ``VomsAttributes``.
Must never read a file or the clock: the moment is an argument. The lists of
checks below read like the rules of the documentation, each check under its
stable code; what a code stands for, its standard and its mend are in
``codes.CODES``. Read ``validate`` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from keystone_voms_ext.voms import ac_rules, path_rules, proxy_rules
from keystone_voms_ext.voms.ac import AttributeCertificate, acs_from_extension
from keystone_voms_ext.voms.ac_rules import Claim, SignedClaim
from keystone_voms_ext.voms.anchors import MAX_DEPTH, Anchor
from keystone_voms_ext.voms.attributes import VoAttributes
from keystone_voms_ext.voms.attributes import VomsAttributes as VomsAttributes
from keystone_voms_ext.voms.certificates import AC_SEQUENCE, Certificate
from keystone_voms_ext.voms.chain import PEM_MAX_BYTES, ProxyChain, check_count
from keystone_voms_ext.voms.codes import CODES, refusal
from keystone_voms_ext.voms.errors import CredentialRefused
from keystone_voms_ext.voms.path_rules import Link, VerifiedPath
from keystone_voms_ext.voms.proxy_rules import ProxyLink
from keystone_voms_ext.voms.rules import Case, Rules as Rules, Step as Step
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir

T = TypeVar("T")
Checks = tuple[tuple[str, Callable[[T, Case], str | None]], ...]

# Rules 3, 4 and 22, for every certificate that takes part.
CERTIFICATE: Checks[Certificate] = (
    ("not_version_3", path_rules.not_version_3),
    ("algorithm_mismatch", path_rules.algorithm_mismatch),
    ("extension_repeated", path_rules.extension_repeated),
    ("critical_extension_unknown", path_rules.critical_extension_unknown),
    ("serial_invalid", path_rules.serial_invalid),
    ("key_not_accepted", path_rules.key_not_accepted),
    ("dn_ambiguous", path_rules.dn_ambiguous),
)

# Rule 6, for the end of a path and each CA; proxies have their own below.
DATES: Checks[Certificate] = (
    ("certificate_expired", path_rules.certificate_expired),
    ("certificate_not_yet_valid", path_rules.certificate_not_yet_valid),
)

# Rule 4, for the end of a path. Those between CAs are verified once a snapshot.
SIGNED_BY_CA: Checks[Link] = (
    ("algorithm_not_accepted", path_rules.algorithm_not_accepted),
    ("signature_bits_unused", path_rules.signature_bits_unused),
    ("signature_invalid", path_rules.signature_invalid),
)

# Rules 6, 7 and 8, for each step from a certificate to the CA above it.
LINK: Checks[Link] = (
    ("issuer_not_ca", path_rules.issuer_not_ca),
    ("issuer_may_not_sign", path_rules.issuer_may_not_sign),
    ("issuer_is_proxy", path_rules.issuer_is_proxy),
    ("ca_path_too_long", path_rules.ca_path_too_long),
    ("crl_unreadable", path_rules.crl_unreadable),
    ("crl_unverified", path_rules.crl_unverified),
    ("crl_missing", path_rules.crl_missing),
    ("crl_not_yet_valid", path_rules.crl_not_yet_valid),
    ("crl_expired", path_rules.crl_expired),
    ("certificate_revoked", path_rules.certificate_revoked),
    ("namespaces_missing", path_rules.namespaces_missing),
    ("namespaces_denied", path_rules.namespaces_denied),
    ("signing_policy_denied", path_rules.signing_policy_denied),
)

# Rule 9.
EEC: Checks[Certificate] = (
    ("eec_is_ca", path_rules.is_a_ca),
    ("eec_key_usage", path_rules.may_not_sign),
    ("eec_extended_key_usage", path_rules.not_for_clients),
)

# Rules 4, 6, 10 and 11, for each proxy from the EEC down to the leaf.
PROXY: Checks[ProxyLink] = (
    ("legacy_proxy_refused", proxy_rules.legacy_proxy_refused),
    ("proxy_kinds_mixed", proxy_rules.proxy_kinds_mixed),
    ("proxy_issuer_mismatch", proxy_rules.proxy_issuer_mismatch),
    ("proxy_subject_mismatch", proxy_rules.proxy_subject_mismatch),
    ("proxy_issuer_key_usage", proxy_rules.proxy_issuer_key_usage),
    ("algorithm_not_accepted", proxy_rules.algorithm_not_accepted),
    ("signature_bits_unused", proxy_rules.signature_bits_unused),
    ("signature_invalid", proxy_rules.signature_invalid),
    ("proxy_expired", proxy_rules.proxy_expired),
    ("proxy_not_yet_valid", proxy_rules.proxy_not_yet_valid),
    ("proxy_info_not_critical", proxy_rules.proxy_info_not_critical),
    ("proxy_alternative_name", proxy_rules.proxy_alternative_name),
    ("proxy_is_ca", proxy_rules.proxy_is_ca),
    ("proxy_key_usage", proxy_rules.proxy_key_usage),
    ("proxy_extended_key_usage", proxy_rules.proxy_extended_key_usage),
    ("proxy_path_length_negative", proxy_rules.proxy_path_length_negative),
    ("proxy_path_too_long", proxy_rules.proxy_path_too_long),
    ("proxy_language_refused", proxy_rules.proxy_language_refused),
    ("proxy_policy_refused", proxy_rules.proxy_policy_refused),
    ("full_proxy_under_limited", proxy_rules.full_proxy_under_limited),
    ("limited_proxy_refused", proxy_rules.limited_proxy_refused),
)

# Rule 16, for each AC before its VO is looked up: the names become paths.
CONTACT: Checks[AttributeCertificate] = (
    ("ac_attribute_malformed", ac_rules.ac_attribute_malformed),
    ("ac_contact_invalid", ac_rules.ac_contact_invalid),
)

# Rules 14, 15, 17, 18, 19 and 20, for each AC of a known VO.
CLAIM: Checks[Claim] = (
    ("ac_version", ac_rules.ac_version),
    ("ac_holder_malformed", ac_rules.ac_holder_malformed),
    ("holder_mismatch", ac_rules.holder_mismatch),
    ("ac_issuer_malformed", ac_rules.ac_issuer_malformed),
    ("ac_serial_invalid", ac_rules.ac_serial_invalid),
    ("ac_time_malformed", ac_rules.ac_time_malformed),
    ("ac_expired", ac_rules.ac_expired),
    ("ac_not_yet_valid", ac_rules.ac_not_yet_valid),
    ("no_fqan", ac_rules.no_fqan),
    ("fqan_malformed", ac_rules.fqan_malformed),
    ("fqan_outside_vo", ac_rules.fqan_outside_vo),
    ("ac_extension_repeated", ac_rules.ac_extension_repeated),
    ("ac_extension_critical", ac_rules.ac_extension_critical),
    ("ac_no_rev_avail_missing", ac_rules.ac_no_rev_avail_missing),
    ("ac_key_id_missing", ac_rules.ac_key_id_missing),
    ("ac_not_for_this_host", ac_rules.ac_not_for_this_host),
    ("lsc_unreadable", ac_rules.lsc_unreadable),
    ("ac_signer_missing", ac_rules.ac_signer_missing),
    ("lsc_mismatch", ac_rules.lsc_mismatch),
)

# Rule 21, for the certificate of the AC's signer; its path follows.
SIGNER: Checks[Certificate] = (
    ("ac_signer_is_ca", path_rules.is_a_ca),
    ("ac_signer_is_proxy", path_rules.is_a_proxy),
    ("ac_signer_key_usage", path_rules.may_not_sign),
)

# Rules 4, 15, 18 and 21, for the AC and its verified signer.
SIGNED_CLAIM: Checks[SignedClaim] = (
    ("ac_algorithm_mismatch", ac_rules.ac_algorithm_mismatch),
    ("ac_algorithm_not_accepted", ac_rules.ac_algorithm_not_accepted),
    ("ac_signature_invalid", ac_rules.ac_signature_invalid),
    ("ac_issuer_mismatch", ac_rules.ac_issuer_mismatch),
    ("ac_key_id_mismatch", ac_rules.ac_key_id_mismatch),
)


def validate(
    chain: Sequence[bytes],
    *,
    trust: TrustStore,
    vomsdir: Vomsdir,
    at: datetime,
    rules: Rules = Rules(),
    trace: Callable[[Step], None] | None = None,
) -> VomsAttributes:
    """Return what a credential proves at the aware moment ``at``.

    ``chain`` holds DER certificates, the leaf first. ``trace`` is called with
    each check that passed. Raises CredentialRefused with a code of
    ``codes.CODES``, or SetupError if a directory cannot be read.
    """
    case = Case.of(
        at=at,
        rules=rules,
        anchors=trust.snapshot(),
        servers=vomsdir.snapshot(),
        trace=trace,
    )
    sorted_chain = _sorted_chain(chain, rules)
    eec = sorted_chain.eec
    _run(EEC, eec, case, eec.subject.oneline)
    path = _verified_path(eec, case)
    _check_sent_issuers(sorted_chain.above, path)
    leaf = _verified_proxies(sorted_chain, case)
    primary, others, ignored = _verified_acs(sorted_chain, case)
    dated = (*sorted_chain.proxies, eec)
    return VomsAttributes(
        dn=eec.subject.oneline,
        issuer_dn=eec.issuer.oneline,
        vo=primary.vo,
        fqans=primary.fqans,
        primary_fqan=primary.fqans[0],
        generic_attributes=primary.generic_attributes,
        limited=leaf is not None and leaf.is_limited,
        not_before=max(primary.not_before, *(item.not_before for item in dated)),
        not_after=min(primary.not_after, *(item.not_after for item in dated)),
        ac_issuer=primary.ac_issuer,
        voms_host=primary.voms_host,
        others=others,
        ignored_vos=ignored,
    )


def _run(checks: Checks[T], item: T, case: Case, subject: str) -> None:
    """Raise the refusal of the first check that does not hold."""
    for code, check in checks:
        what = check(item, case)
        if what is not None:
            raise refusal(code, what, subject)
        if case.trace is not None:
            case.trace(Step(code, subject, CODES[code].holds))


def _sorted_chain(chain: Sequence[bytes], rules: Rules) -> ProxyChain:
    """Return the parsed chain in order (rules 1, 2 and 5)."""
    check_count(len(chain))
    size = sum(len(data) for data in chain)
    if size > PEM_MAX_BYTES:
        raise refusal("chain_too_large", f"The chain has {size} bytes.")
    found = ProxyChain.from_certificates([Certificate.from_der(data) for data in chain])
    if len(found.proxies) > rules.max_proxies:
        raise refusal(
            "too_many_proxies",
            f"The chain has {len(found.proxies)} proxies, {rules.max_proxies} are "
            "allowed.",
            found.eec.subject.oneline,
        )
    return found


def _verified_path(certificate: Certificate, case: Case) -> VerifiedPath:
    """Return the way from an end-entity certificate up to an installed root.

    A CA may be installed in several editions; the refusal that is raised is
    that of the way which got furthest.
    """
    subject = certificate.subject.oneline
    _run(CERTIFICATE, certificate, case, subject)
    _run(DATES, certificate, case, subject)
    refused: list[CredentialRefused] = []
    for way in _ways(certificate, case, refused):
        try:
            _check_way(certificate, way, case)
        except CredentialRefused as error:
            refused.append(error)
        else:
            return VerifiedPath(certificate=certificate, issuers=way)
    if not refused:
        raise refusal(
            "issuer_unknown",
            f"{certificate.issuer.oneline} is not an installed CA.",
            subject,
        )
    raise max(refused, key=lambda error: CODES[error.code].rule)


def _ways(
    certificate: Certificate, case: Case, refused: list[CredentialRefused]
) -> Iterator[tuple[Anchor, ...]]:
    """Yield the ways up from a certificate, all signatures on them verified."""
    for issuer in case.anchors.named(certificate.issuer):
        link = Link(certificate=certificate, issuer=issuer, cas_below=0)
        try:
            _run(SIGNED_BY_CA, link, case, certificate.subject.oneline)
            ways = case.anchors.paths_from(issuer)
            if not ways:
                raise _why_no_way(issuer, case)
        except CredentialRefused as error:
            refused.append(error)
        else:
            yield from ways


def _why_no_way(start: Anchor, case: Case) -> CredentialRefused:
    """Return why no installed root is reached from this CA."""
    current = start
    for _ in range(MAX_DEPTH):
        name = current.certificate.subject.oneline
        above = case.anchors.named(current.certificate.issuer)
        if not above:
            break
        link = Link(certificate=current.certificate, issuer=above[0], cas_below=0)
        try:
            _run(CERTIFICATE, current.certificate, case, name)
            _run(SIGNED_BY_CA, link, case, name)
        except CredentialRefused as error:
            return error
        current = above[0]
    return refusal(
        "issuer_unknown",
        f"No installed root is reached from {current.certificate.subject.oneline}.",
        start.certificate.subject.oneline,
    )


def _check_way(certificate: Certificate, way: tuple[Anchor, ...], case: Case) -> None:
    below = certificate
    for depth, issuer in enumerate(way):
        name = issuer.certificate.subject.oneline
        _run(CERTIFICATE, issuer.certificate, case, name)
        _run(DATES, issuer.certificate, case, name)
        link = Link(certificate=below, issuer=issuer, cas_below=depth)
        _run(LINK, link, case, below.subject.oneline)
        below = issuer.certificate


def _check_sent_issuers(sent: Sequence[Certificate], path: VerifiedPath) -> None:
    """Refuse CAs from the peer that are not the installed ones, in order (rule 5)."""
    installed = [anchor.certificate.der for anchor in path.issuers]
    for index, certificate in enumerate(sent):
        if index >= len(installed) or certificate.der != installed[index]:
            raise refusal(
                "stray_certificate",
                f"{certificate.subject.oneline} is not the installed CA that stands "
                "at this place of the path.",
                path.certificate.subject.oneline,
            )


def _verified_proxies(chain: ProxyChain, case: Case) -> ProxyLink | None:
    """Return the leaf's link once all proxies hold, None without a proxy."""
    parent, above = chain.eec, None
    for below in reversed(range(len(chain.proxies))):
        proxy = chain.proxies[below]
        subject = proxy.subject.oneline
        _run(CERTIFICATE, proxy, case, subject)
        link = ProxyLink.of(proxy, parent=parent, above=above, below=below)
        _run(PROXY, link, case, subject)
        parent, above = proxy, link
    return above


def _verified_acs(
    chain: ProxyChain, case: Case
) -> tuple[VoAttributes, tuple[VoAttributes, ...], tuple[str, ...]]:
    """Return the primary AC's attributes, the others', and the VOs set aside.

    The proxy nearest the leaf decides (rule 12), and all of its ACs must hold
    but those of VOs that have no directory in vomsdir (rule 13).
    """
    found: list[VoAttributes] = []
    ignored: list[str] = []
    for ac in _carried_acs(chain):
        _run(CONTACT, ac, case, chain.eec.subject.oneline)
        contact = ac_rules.read_contact(ac)
        vo = contact.vo if contact else ""
        directory = case.servers.vos.get(vo)
        if contact is None or directory is None:
            ignored.append(vo)
            continue
        claim = Claim(ac=ac, eec=chain.eec, contact=contact, directory=directory)
        found.append(_verified_ac(claim, case))
    if not found:
        raise refusal(
            "no_known_vo",
            f"The proxy is of {', '.join(ignored)}, which vomsdir does not know.",
            chain.eec.subject.oneline,
        )
    return found[0], tuple(found[1:]), tuple(ignored)


def _carried_acs(chain: ProxyChain) -> tuple[AttributeCertificate, ...]:
    for proxy in chain.proxies:
        extension = proxy.extensions.get(AC_SEQUENCE)
        if extension is not None:
            return acs_from_extension(extension)
    raise refusal(
        "no_ac",
        "No proxy in the chain carries a VOMS attribute certificate.",
        chain.eec.subject.oneline,
    )


def _verified_ac(claim: Claim, case: Case) -> VoAttributes:
    ac, subject = claim.ac, f"AC of {claim.contact.vo}"
    _run(CLAIM, claim, case, subject)
    signer = ac_rules.find_signer(claim)
    if signer is None:
        raise refusal(
            "lsc_not_found",
            f"vomsdir has no {claim.lsc_name}, and no certificate of the AC's signer "
            f"in {claim.contact.vo}.",
            subject,
        )
    _run(SIGNER, signer, case, signer.subject.oneline)
    path = _verified_path(signer, case)
    _check_sent_issuers(ac.certificates[1:], path)
    _run(SIGNED_CLAIM, SignedClaim(claim=claim, signer=signer), case, subject)
    return VoAttributes(
        vo=claim.contact.vo,
        fqans=tuple(octets.decode("ascii") for _, octets in ac.attributes[0].values),
        generic_attributes=ac.generic_attributes,
        ac_issuer=signer.subject.oneline,
        voms_host=claim.contact.host,
        not_before=max(ac.not_before, signer.not_before),
        not_after=min(ac.not_after, signer.not_after),
    )
