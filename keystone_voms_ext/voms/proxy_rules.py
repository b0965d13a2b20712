# SPDX-License-Identifier: Apache-2.0
"""Rules 4, 6, 10 and 11 for proxies (RFC 3820), and Globus proxies before it.

Owns one function a check; each returns None if it holds, one sentence on what
is wrong if not, and MOOT if there is nothing to look at. Must never order
them: ``validate`` does. Read ``ProxyLink`` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from keystone_voms_ext.voms.certificates import (
    DIGITAL_SIGNATURE,
    DRAFT_PROXY_CERT_INFO,
    ISSUER_ALT_NAME,
    KEY_CERT_SIGN,
    PROXY_CERT_INFO,
    SUBJECT_ALT_NAME,
    Certificate,
    ProxyInfo,
    read_proxy_info,
)
from keystone_voms_ext.voms.path_rules import not_for_clients, shown
from keystone_voms_ext.voms.rules import MOOT, Case, Finding
from keystone_voms_ext.voms.signatures import is_accepted, verifies

INHERIT_ALL = "1.3.6.1.5.5.7.21.1"
LIMITED = "1.3.6.1.4.1.3536.1.1.1.9"
_LEGACY_LIMITED = "limited proxy"

Kind = Literal["rfc", "draft", "legacy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyLink:
    """A proxy and the certificate above it, which is verified already.

    ``below`` counts the proxies under it; ``under_limited`` says that one
    above it is limited; ``info`` is None for a proxy that has no
    proxyCertInfo, ``is_critical`` is about that extension.
    """

    proxy: Certificate
    parent: Certificate
    parent_kind: Kind | None
    below: int
    under_limited: bool
    kind: Kind
    is_critical: bool
    info: ProxyInfo | None

    @classmethod
    def of(
        cls,
        proxy: Certificate,
        *,
        parent: Certificate,
        above: ProxyLink | None,
        below: int,
    ) -> ProxyLink:
        """Return the link of a proxy; ``above`` is that of the proxy above, if any.

        Raises CredentialRefused ``proxy_info_unreadable``.
        """
        kind: Kind = "legacy"
        extension = proxy.extensions.get(PROXY_CERT_INFO)
        if extension is not None:
            kind = "rfc"
        # One that has both says two things; the stricter verdict holds.
        if DRAFT_PROXY_CERT_INFO in proxy.extensions:
            kind = "draft"
            extension = proxy.extensions[DRAFT_PROXY_CERT_INFO]
        return cls(
            proxy=proxy,
            parent=parent,
            parent_kind=None if above is None else above.kind,
            below=below,
            under_limited=above is not None and above.is_limited,
            kind=kind,
            is_critical=extension is None or extension.critical,
            info=None if extension is None else read_proxy_info(extension),
        )

    @property
    def is_limited(self) -> bool:
        """Whether this proxy is limited by its own words."""
        if self.info is not None:
            return self.info.language == LIMITED
        return self.proxy.subject.last_value == _LEGACY_LIMITED


# Rule 11, the kinds.


def legacy_proxy_refused(link: ProxyLink, case: Case) -> str | None:
    if link.kind == "rfc" or case.rules.allow_legacy:
        return None
    return "The proxy is of a kind from before RFC 3820."


def proxy_kinds_mixed(link: ProxyLink, case: Case) -> str | None:
    if link.parent_kind in (None, link.kind):
        return None
    return "The proxy and the one above it are of different kinds."


# Rule 10.


def proxy_info_not_critical(link: ProxyLink, case: Case) -> Finding:
    if link.info is None:
        return MOOT
    return None if link.is_critical else "The proxy's proxyCertInfo is not critical."


def proxy_issuer_mismatch(link: ProxyLink, case: Case) -> str | None:
    if link.proxy.issuer == link.parent.subject:
        return None
    return (
        f"The proxy's issuer is {link.proxy.issuer.oneline}, the certificate above "
        f"it is {link.parent.subject.oneline}."
    )


def proxy_subject_mismatch(link: ProxyLink, case: Case) -> str | None:
    if link.proxy.subject.proxy_parent() == link.proxy.issuer.rdns:
        return None
    return (
        f"The proxy's subject is not its issuer {link.proxy.issuer.oneline} "
        "with one CN added."
    )


def proxy_alternative_name(link: ProxyLink, case: Case) -> str | None:
    if not {SUBJECT_ALT_NAME, ISSUER_ALT_NAME} & link.proxy.extensions.keys():
        return None
    return "The proxy has a subjectAltName or issuerAltName."


def proxy_is_ca(link: ProxyLink, case: Case) -> str | None:
    return "The proxy claims to be a CA." if link.proxy.ca else None


def proxy_key_usage(link: ProxyLink, case: Case) -> str | None:
    if KEY_CERT_SIGN not in (link.proxy.key_usage or ()):
        return None
    return "The proxy's keyUsage has keyCertSign."


def proxy_extended_key_usage(link: ProxyLink, case: Case) -> str | None:
    return not_for_clients(link.proxy, case)


def proxy_issuer_key_usage(link: ProxyLink, case: Case) -> str | None:
    if link.parent.may_sign(DIGITAL_SIGNATURE):
        return None
    return "The keyUsage of the certificate above the proxy lacks digitalSignature."


def proxy_path_length_negative(link: ProxyLink, case: Case) -> Finding:
    if link.info is None:
        return MOOT
    if (link.info.path_length or 0) >= 0:
        return None
    return "The proxy's pCPathLenConstraint is negative."


def proxy_path_too_long(link: ProxyLink, case: Case) -> Finding:
    if link.info is None:
        return MOOT
    allowed = link.info.path_length
    if allowed is None or link.below <= allowed:
        return None
    return f"The proxy allows {allowed} proxies below it and has {link.below}."


# Rule 11.


def proxy_language_refused(link: ProxyLink, case: Case) -> Finding:
    if link.info is None:
        return MOOT
    if link.info.language in (INHERIT_ALL, LIMITED):
        return None
    return f"The proxy's policy language is {link.info.language}."


def proxy_policy_refused(link: ProxyLink, case: Case) -> Finding:
    if link.info is None:
        return MOOT
    if not link.info.has_policy:
        return None
    return "The proxy carries a policy that is not understood here."


def full_proxy_under_limited(link: ProxyLink, case: Case) -> str | None:
    if link.is_limited or not link.under_limited:
        return None
    return "The proxy is a full one made from a limited one."


def limited_proxy_refused(link: ProxyLink, case: Case) -> str | None:
    if case.rules.allow_limited or not link.is_limited:
        return None
    return "The proxy is limited."


# Rule 6.


def proxy_expired(link: ProxyLink, case: Case) -> str | None:
    if case.at <= link.proxy.not_after:
        return None
    return f"The proxy ended at {shown(link.proxy.not_after)}, it is {shown(case.at)}."


def proxy_not_yet_valid(link: ProxyLink, case: Case) -> str | None:
    if link.proxy.not_before <= case.latest_begin:
        return None
    return (
        f"The proxy begins at {shown(link.proxy.not_before)}, it is {shown(case.at)}."
    )


# Rule 4.


def algorithm_not_accepted(link: ProxyLink, case: Case) -> str | None:
    if is_accepted(link.proxy.signed.inner_algorithm):
        return None
    return "The proxy is signed with an algorithm that is not accepted."


def signature_bits_unused(link: ProxyLink, case: Case) -> str | None:
    if link.proxy.signed.unused_bits == 0:
        return None
    return "The proxy's signature has unused bits."


def signature_invalid(link: ProxyLink, case: Case) -> str | None:
    if verifies(link.proxy.signed, link.parent.key_info):
        return None
    return f"The proxy is not signed by {link.parent.subject.oneline}."
