# SPDX-License-Identifier: Apache-2.0
"""Checks of the CA directory and of vomsdir.

Owns which of their faults an operator is told. It must judge as ``voms`` does,
by the same functions, and read the directories anew each time. Read ``CHECKS``
first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import keystone.conf

from keystone_voms_ext import credential, sources
from keystone_voms_ext.checks.finding import NOTE, OK, WRONG, Check, Finding, Findings
from keystone_voms_ext.voms import path_rules, watched
from keystone_voms_ext.voms.anchors import Anchor, Anchors, VoServers
from keystone_voms_ext.voms.certificates import Certificate
from keystone_voms_ext.voms.codes import CODES
from keystone_voms_ext.voms.errors import SetupError
from keystone_voms_ext.voms.rules import MOOT, Case
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir

CONF = keystone.conf.CONF

_CA_RULES: tuple[tuple[str, Callable[[path_rules.Link, Case], Any]], ...] = (
    ("crl_unreadable", path_rules.crl_unreadable),
    ("crl_unverified", path_rules.crl_unverified),
    ("crl_missing", path_rules.crl_missing),
    ("crl_not_yet_valid", path_rules.crl_not_yet_valid),
    ("crl_expired", path_rules.crl_expired),
    ("namespaces_missing", path_rules.namespaces_missing),
)


class _ListedStore(TrustStore):
    """The CA directory, which can also tell all of its certificates."""

    certificates: tuple[Certificate, ...] = ()

    def _assemble(self, items: Iterable[Any], directories: frozenset[str]) -> Anchors:
        listed = list(items)
        found = [one for item in listed for one in getattr(item, "certificates", ())]
        self.certificates = tuple({one.der: one for one in found}.values())
        return super()._assemble(listed, directories)

    def anchors(self) -> tuple[Anchors, tuple[Anchor, ...]]:
        """Return the snapshot and all CAs in it, by name."""
        found = self.snapshot()
        names = {one.subject.oneline: one.subject for one in self.certificates}
        cas = (ca for name in sorted(names) for ca in found.named(names[name]))
        return found, tuple(cas)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect what the reader of a directory logs of files that it cannot use."""
    found: list[str] = []
    logger = logging.getLogger(watched.__name__)
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    before = logger.level, logger.propagate
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


def _ca_directory() -> Findings:
    with _complaints() as broken:
        _, cas = _ListedStore(CONF.voms.ca_path).anchors()
    yield from (Finding(WRONG, text) for text in broken)
    if not cas:
        yield Finding(
            WRONG,
            f"{CONF.voms.ca_path} holds no CA. Install the CAs of IGTF there, or set "
            "[voms] ca_path.",
        )


def _crls() -> Findings:
    at = datetime.now(UTC)
    with _complaints():
        anchors, cas = _ListedStore(CONF.voms.ca_path).anchors()
    case = Case.of(
        at=at,
        rules=credential._rules(),
        anchors=anchors,
        servers=VoServers({}),
        trace=None,
    )
    if CONF.voms.crl_policy == "off":
        yield Finding(NOTE, "[voms] crl_policy is off: a revoked user gets in.")
    for ca in cas:
        if ca.certificate.not_after < at:
            name = ca.certificate.subject.oneline
            yield Finding(NOTE, f"The CA {name} is over. Remove its files.")
            continue
        link = path_rules.Link(certificate=ca.certificate, issuer=ca, cas_below=0)
        for code, check in _CA_RULES:
            found = check(link, case)
            if found is not None and found is not MOOT:
                yield Finding(WRONG, f"{found} {CODES[code].mend}")


def _vomsdir() -> Findings:
    with _complaints() as broken:
        vos = Vomsdir(CONF.voms.vomsdir_path).snapshot().vos
    yield from (Finding(WRONG, text) for text in broken)
    try:
        mapped = {entry.vo for entry in sources.voms_map().entries}
    except SetupError:
        # Another check tells of it.
        mapped = set(vos)
    for vo in sorted(mapped - set(vos)):
        yield Finding(
            WRONG,
            f"The mapping has VO {vo}, and {CONF.voms.vomsdir_path} no directory for "
            "it. Install the VO's LSC files, or take it out of the mapping.",
        )
    for vo in sorted(set(vos)):
        directory = vos[vo]
        if not any(directory.lsc.values()) and not directory.certificates:
            yield Finding(
                WRONG,
                f"{CONF.voms.vomsdir_path}/{vo} has no usable LSC file. Install those "
                "of the VO, or remove the directory.",
            )
        elif vo not in mapped:
            yield Finding(OK, f"VO {vo} has servers and no entry in the mapping.")


CHECKS = (
    Check("CA directory", _ca_directory),
    Check("CRLs and policies of the CAs", _crls),
    Check("VOMS servers", _vomsdir),
)
