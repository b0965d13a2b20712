# SPDX-License-Identifier: Apache-2.0
"""The verdict on a credential: the ordered checks, from chain to attributes.

Owns the order, and the one way from unverified bytes to ``VomsAttributes``.
Must never read a file or the clock: the moment is an argument. The lists of
checks below read like the rules of the documentation, each check under its
stable code; what a code stands for, its standard and its mend are in
``codes.CODES``. Read ``validate`` first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from keystone_voms_ext.voms import ac_rules, path_rules, proxy_rules
from keystone_voms_ext.voms.ac import AttributeCertificate, acs_from_extension
from keystone_voms_ext.voms.ac_rules import Claim, SignedClaim
from keystone_voms_ext.voms.attributes import VoAttributes
from keystone_voms_ext.voms.attributes import VomsAttributes as VomsAttributes
from keystone_voms_ext.voms.certificates import AC_SEQUENCE, Certificate
from keystone_voms_ext.voms.chain import ProxyChain
from keystone_voms_ext.voms.codes import refusal
from keystone_voms_ext.voms.errors import CredentialRefused
from keystone_voms_ext.voms.path_rules import Link
from keystone_voms_ext.voms.paths import PathChecks, find_path
from keystone_voms_ext.voms.proxy_rules import ProxyLink
from keystone_voms_ext.voms.rules import Case, Checks, Step as Step, run
from keystone_voms_ext.voms.rules import Rules as Rules
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir

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

PATH = PathChecks(
    certificate=CERTIFICATE, dates=DATES, signed_by_ca=SIGNED_BY_CA, link=LINK
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a credential proves, and until when that is certain.

    At any moment from that of the validation up to, but without, ``until``
    the same chain against the same directories has the same verdict.
    """

    attributes: VomsAttributes
    until: datetime


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
    return judge(chain, case).attributes


def judge(chain: Sequence[bytes], case: Case) -> Verdict:
    """Return the verdict on a chain; see ``validate``."""
    found = ProxyChain.from_der(chain, max_proxies=case.rules.max_proxies)
    try:
        return _verdict(found, case)
    except CredentialRefused as error:
        error.user = found.eec.subject.oneline
        raise


def _verdict(found: ProxyChain, case: Case) -> Verdict:
    eec = found.eec
    name = eec.subject.oneline
    for code in ("too_many_proxies", "certificate_unreadable", "no_end_entity"):
        case.passed(code, name)
    run(EEC, eec, case, name)
    path = find_path(eec, found.above, case, PATH)
    leaf = _verified_proxies(found, case)
    acs = _verified_acs(found, case)
    primary = acs.found[0]
    dated = (*found.proxies, eec)
    attributes = VomsAttributes(
        dn=name,
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
        proxy_names=tuple(
            proxy.subject.last_value for proxy in reversed(found.proxies)
        ),
        others=acs.found[1:],
        ignored_vos=acs.ignored,
    )
    until = min(path.until(case), attributes.not_after, acs.until)
    return Verdict(attributes=attributes, until=until)


def _verified_proxies(chain: ProxyChain, case: Case) -> ProxyLink | None:
    """Return the leaf's link once all proxies hold, None without a proxy."""
    parent, above = chain.eec, None
    for below in reversed(range(len(chain.proxies))):
        proxy = chain.proxies[below]
        subject = proxy.subject.oneline
        run(CERTIFICATE, proxy, case, subject)
        link = ProxyLink.of(proxy, parent=parent, above=above, below=below)
        run(PROXY, link, case, subject)
        parent, above = proxy, link
    return above


@dataclass(frozen=True, kw_only=True, slots=True)
class _VerifiedAcs:
    """The attributes of each AC, the first primary, and the VOs set aside."""

    found: tuple[VoAttributes, ...]
    ignored: tuple[str, ...]
    until: datetime


def _verified_acs(chain: ProxyChain, case: Case) -> _VerifiedAcs:
    """Return what the ACs of a chain say.

    The proxy nearest the leaf decides (rule 12), and all of its ACs must hold
    but those of VOs that have no directory in vomsdir (rule 13).
    """
    name = chain.eec.subject.oneline
    found: list[VoAttributes] = []
    ignored: list[str] = []
    ends: list[datetime] = []
    for ac in _carried_acs(chain, case):
        run(CONTACT, ac, case, name)
        contact = ac_rules.read_contact(ac)
        vo = contact.vo if contact else ""
        directory = case.servers.vos.get(vo)
        if contact is None or directory is None:
            ignored.append(vo)
            continue
        claim = Claim(ac=ac, eec=chain.eec, contact=contact, directory=directory)
        attributes, until = _verified_ac(claim, case)
        found.append(attributes)
        ends.append(until)
    if not found:
        raise refusal(
            "no_known_vo",
            f"The proxy is of {', '.join(ignored)}, which vomsdir does not know.",
            name,
        )
    case.passed("no_known_vo", name)
    return _VerifiedAcs(found=tuple(found), ignored=tuple(ignored), until=min(ends))


def _carried_acs(chain: ProxyChain, case: Case) -> tuple[AttributeCertificate, ...]:
    name = chain.eec.subject.oneline
    for proxy in chain.proxies:
        extension = proxy.extensions.get(AC_SEQUENCE)
        if extension is not None:
            case.passed("no_ac", name)
            acs = acs_from_extension(extension)
            case.passed("ac_unreadable", name)
            return acs
    raise refusal(
        "no_ac", "No proxy in the chain carries a VOMS attribute certificate.", name
    )


def _verified_ac(claim: Claim, case: Case) -> tuple[VoAttributes, datetime]:
    """Return what an AC says, and until when that is certain."""
    ac, subject = claim.ac, f"AC of {claim.contact.vo}"
    run(CLAIM, claim, case, subject)
    signer = ac_rules.find_signer(claim)
    if signer is None:
        raise refusal(
            "lsc_not_found",
            f"vomsdir has no {claim.lsc_name}, and no certificate of the AC's signer "
            f"in {claim.contact.vo}.",
            subject,
        )
    case.passed("lsc_not_found", subject)
    run(SIGNER, signer, case, signer.subject.oneline)
    path = find_path(signer, ac.certificates[1:], case, PATH)
    run(SIGNED_CLAIM, SignedClaim(claim=claim, signer=signer), case, subject)
    attributes = VoAttributes(
        vo=claim.contact.vo,
        fqans=tuple(octets.decode("ascii") for _, octets in ac.attributes[0].values),
        generic_attributes=ac.generic_attributes,
        ac_issuer=signer.subject.oneline,
        voms_host=claim.contact.host,
        not_before=max(ac.not_before, signer.not_before),
        not_after=min(ac.not_after, signer.not_after),
    )
    return attributes, min(ac.not_after, path.until(case))
