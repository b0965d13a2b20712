# SPDX-License-Identifier: Apache-2.0
"""What the operator trusts at one moment: CAs with CRLs and policies, VO servers.

Owns the look-ups in a snapshot of the CA directory and of vomsdir, and the
signatures between installed CAs, each verified once a snapshot. Must never read
a file: ``trust`` fills these. Read ``Anchors`` first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keystone_voms_ext.voms.certificates import Certificate
from keystone_voms_ext.voms.crl import Crl
from keystone_voms_ext.voms.names import Name
from keystone_voms_ext.voms.policyfiles import Statement, permits
from keystone_voms_ext.voms.signatures import verifies

# No grid CA stands deeper; these bound the search, not the trust.
MAX_DEPTH = 8
MAX_PATHS = 16

Lsc = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """An installed CA certificate; ``bases`` are its file names without suffix."""

    certificate: Certificate
    bases: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class CrlSearch:
    """A CA's CRLs: those to go by, and whether others failed to become one."""

    usable: tuple[Crl, ...]
    is_unverified: bool
    is_unreadable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyFile:
    """A namespaces or signing_policy file; ``statements`` is None if it is bad."""

    base: str
    statements: tuple[Statement, ...] | None


class Policies:
    """All files of one kind, looked up by the CA that they speak of."""

    def __init__(self, files: Iterable[PolicyFile]) -> None:
        self._by_base = {file.base: file for file in files}
        self._by_anchor: dict[Anchor, tuple[Statement, ...] | None] = {}

    def verdict(self, issuer: Anchor, subject: Name) -> bool | None:
        """Tell whether ``issuer`` may sign for ``subject``; None if no file says."""
        if issuer not in self._by_anchor:
            self._by_anchor[issuer] = self._statements(issuer)
        statements = self._by_anchor[issuer]
        return None if statements is None else permits(statements, subject.in_files)

    def _statements(self, issuer: Anchor) -> tuple[Statement, ...] | None:
        """Return what is said of this CA: its own files first, else any file.

        A bad file of its own permits nothing, as does one that is silent on
        it. IGTF keeps the rules of some sub-CAs in the files of their root.
        """
        dn = issuer.certificate.subject.in_files
        own = [self._by_base[base] for base in issuer.bases if base in self._by_base]
        found = tuple(
            statement
            for file in own or self._by_base.values()
            for statement in file.statements or ()
            if statement.issuer == dn or (own and statement.issuer is None)
        )
        return found if own or found else None


class Anchors:
    """The CA directory at one moment; its methods may be called by any thread."""

    def __init__(
        self,
        *,
        certificates: Iterable[tuple[str, Certificate]],
        crls: Iterable[Crl] = (),
        bases_of_bad_crls: Iterable[str] = (),
        namespaces: Iterable[PolicyFile] = (),
        signing_policies: Iterable[PolicyFile] = (),
    ) -> None:
        bases: dict[bytes, set[str]] = {}
        first: dict[bytes, Certificate] = {}
        for base, certificate in certificates:
            first.setdefault(certificate.der, certificate)
            bases.setdefault(certificate.der, set()).add(base)
        self._by_name: dict[Name, list[Anchor]] = {}
        for data, certificate in first.items():
            anchor = Anchor(certificate, frozenset(bases[data]))
            self._by_name.setdefault(certificate.subject, []).append(anchor)
        self._crls: dict[Name, list[Crl]] = {}
        for crl in crls:
            self._crls.setdefault(crl.issuer, []).append(crl)
        self._bad_crls = frozenset(bases_of_bad_crls)
        self.namespaces = Policies(namespaces)
        self.signing_policies = Policies(signing_policies)
        # Filled when asked for; two threads at once write the same answer.
        self._paths: dict[Anchor, tuple[tuple[Anchor, ...], ...]] = {}
        self._searches: dict[Anchor, CrlSearch] = {}

    def named(self, name: Name) -> tuple[Anchor, ...]:
        """Return the installed CAs of that name; a CA renews under its name."""
        return tuple(self._by_name.get(name, ()))

    def crls_of(self, anchor: Anchor) -> CrlSearch:
        """Return what there is of this CA's revocation lists."""
        if anchor not in self._searches:
            self._searches[anchor] = self._search_crls(anchor)
        return self._searches[anchor]

    def _search_crls(self, anchor: Anchor) -> CrlSearch:
        ca = anchor.certificate
        full = [crl for crl in self._crls.get(ca.subject, ()) if crl.is_full]
        signed = [crl for crl in full if crl.is_signed_by(ca)]
        return CrlSearch(
            usable=tuple(crl for crl in signed if crl.serials() is not None),
            is_unverified=bool(full) and not signed,
            is_unreadable=not self._bad_crls.isdisjoint(anchor.bases),
        )

    def paths_from(self, anchor: Anchor) -> tuple[tuple[Anchor, ...], ...]:
        """Return the ways from this CA up to an installed root, both included.

        Each signature on a way has been verified. Empty if no root is reached.
        """
        if anchor not in self._paths:
            self._paths[anchor] = self._search(anchor)
        return self._paths[anchor]

    def _search(self, start: Anchor) -> tuple[tuple[Anchor, ...], ...]:
        complete: list[tuple[Anchor, ...]] = []
        open_ways: list[tuple[Anchor, ...]] = [(start,)]
        while open_ways and len(complete) < MAX_PATHS:
            way = open_ways.pop()
            top = way[-1].certificate
            # An installed root is trusted as a file; its own signature, SHA-1
            # in many a root, adds nothing.
            if top.is_self_issued:
                complete.append(way)
            elif len(way) < MAX_DEPTH:
                open_ways.extend(
                    (*way, above)
                    for above in self.named(top.issuer)
                    if above not in way
                    and verifies(top.signed, above.certificate.key_info)
                )
        return tuple(complete)


@dataclass(frozen=True, kw_only=True, slots=True)
class VoDirectory:
    """One VO's directory: LSC chains by host (None: a bad file), PEM signers."""

    lsc: Mapping[str, Lsc | None]
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class VoServers:
    """vomsdir at one moment: the accepted VOs by name."""

    vos: Mapping[str, VoDirectory]
