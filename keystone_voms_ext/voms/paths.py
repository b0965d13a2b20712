# SPDX-License-Identifier: Apache-2.0
"""The way from a certificate up to an installed root (RFC 5280 6.1).

Owns the search among the installed CAs, and ``VerifiedPath``, which nothing
else makes. Must never take a CA from the peer: what was sent is only compared.
The checks themselves are handed in by ``validate``. Read ``find_path`` first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from keystone_voms_ext.voms.anchors import MAX_DEPTH, Anchor
from keystone_voms_ext.voms.certificates import Certificate
from keystone_voms_ext.voms.codes import CODES, refusal
from keystone_voms_ext.voms.errors import CredentialRefused
from keystone_voms_ext.voms.path_rules import Link, certain_until
from keystone_voms_ext.voms.rules import Case, Checks, run


@dataclass(frozen=True, kw_only=True, slots=True)
class PathChecks:
    """What must hold: of a certificate, its dates, its signature, each link."""

    certificate: Checks[Certificate]
    dates: Checks[Certificate]
    signed_by_ca: Checks[Link]
    link: Checks[Link]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedPath:
    """A certificate whose way up to an installed root was verified."""

    certificate: Certificate
    issuers: tuple[Anchor, ...]

    def until(self, case: Case) -> datetime:
        """Return the moment up to which time alone changes nothing here."""
        return min(
            self.certificate.not_after,
            *(certain_until(issuer, case) for issuer in self.issuers),
        )


def find_path(
    certificate: Certificate,
    sent: Sequence[Certificate],
    case: Case,
    checks: PathChecks,
) -> VerifiedPath:
    """Return the way from an end-entity certificate up to an installed root.

    ``sent`` are the CAs that came with it, nearest first. A CA may be
    installed in several editions; the refusal that is raised is that of the
    way which got furthest. Raises CredentialRefused.
    """
    subject = certificate.subject.oneline
    run(checks.certificate, certificate, case, subject)
    run(checks.dates, certificate, case, subject)
    refused: list[CredentialRefused] = []
    for way in _ways(certificate, case, checks, refused):
        try:
            _check_sent(certificate, sent, way, case)
            _check_way(certificate, way, case, checks)
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
    certificate: Certificate,
    case: Case,
    checks: PathChecks,
    refused: list[CredentialRefused],
) -> Iterator[tuple[Anchor, ...]]:
    """Yield the ways up from a certificate, all signatures on them verified."""
    subject = certificate.subject.oneline
    for issuer in case.anchors.named(certificate.issuer):
        link = Link(certificate=certificate, issuer=issuer, cas_below=0)
        try:
            # A CA whose key is too weak is to be named as such, not its work.
            name = issuer.certificate.subject.oneline
            run(checks.certificate, issuer.certificate, case, name)
            run(checks.signed_by_ca, link, case, subject)
            ways = case.anchors.paths_from(issuer)
            if not ways:
                raise _why_no_way(issuer, case, checks)
        except CredentialRefused as error:
            refused.append(error)
        else:
            case.passed("issuer_unknown", subject)
            yield from ways


def _why_no_way(start: Anchor, case: Case, checks: PathChecks) -> CredentialRefused:
    """Return why no installed root is reached from this CA."""
    current = start
    for _ in range(MAX_DEPTH):
        name = current.certificate.subject.oneline
        above = case.anchors.named(current.certificate.issuer)
        if not above:
            break
        link = Link(certificate=current.certificate, issuer=above[0], cas_below=0)
        try:
            run(checks.certificate, current.certificate, case, name)
            run(checks.signed_by_ca, link, case, name)
        except CredentialRefused as error:
            return error
        current = above[0]
    return refusal(
        "issuer_unknown",
        f"No installed root is reached from {current.certificate.subject.oneline}.",
        start.certificate.subject.oneline,
    )


def _check_sent(
    certificate: Certificate,
    sent: Sequence[Certificate],
    way: tuple[Anchor, ...],
    case: Case,
) -> None:
    """Refuse CAs from the peer that are not the installed ones, in order (rule 5)."""
    subject = certificate.subject.oneline
    for index, found in enumerate(sent):
        if index >= len(way) or found.der != way[index].certificate.der:
            raise refusal(
                "stray_certificate",
                f"{found.subject.oneline} is not the installed CA that stands at "
                "this place of the path.",
                subject,
            )
    case.passed("stray_certificate", subject)


def _check_way(
    certificate: Certificate, way: tuple[Anchor, ...], case: Case, checks: PathChecks
) -> None:
    below = certificate
    for depth, issuer in enumerate(way):
        name = issuer.certificate.subject.oneline
        if depth > 0:
            run(checks.certificate, issuer.certificate, case, name)
        run(checks.dates, issuer.certificate, case, name)
        link = Link(certificate=below, issuer=issuer, cas_below=depth)
        run(checks.link, link, case, below.subject.oneline)
        below = issuer.certificate
