# SPDX-License-Identifier: Apache-2.0
"""What the operator trusts, read from the CA directory and from vomsdir.

Owns which files count and what each becomes; a bad file costs only what it
describes. Must never judge a credential. Read ``TrustStore`` and ``Vomsdir``,
then the snapshots in ``anchors`` that they give.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from keystone_voms_ext.voms.anchors import (
    Anchors,
    Lsc,
    PolicyFile,
    VoDirectory,
    VoServers,
)
from keystone_voms_ext.voms.certificates import Certificate
from keystone_voms_ext.voms.chain import PemError, decode_body, pem_blocks
from keystone_voms_ext.voms.crl import Crl
from keystone_voms_ext.voms.names import is_safe_label
from keystone_voms_ext.voms.policyfiles import (
    parse_lsc,
    parse_namespaces,
    parse_signing_policy,
)
from keystone_voms_ext.voms.watched import Stamp, Watched, stamps

_CA_FILE = re.compile(r"(.+)\.[0-9]+")
_CRL_FILE = re.compile(r"(.+)\.r[0-9]+")


@dataclass(frozen=True, slots=True)
class _CaFile:
    base: str
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class _CrlFile:
    base: str
    crls: tuple[Crl, ...] | None


@dataclass(frozen=True, slots=True)
class _NamespacesFile:
    policy: PolicyFile


@dataclass(frozen=True, slots=True)
class _SigningPolicyFile:
    policy: PolicyFile


@dataclass(frozen=True, slots=True)
class _LscFile:
    vo: str
    host: str
    chains: Lsc | None


@dataclass(frozen=True, slots=True)
class _SignerFile:
    vo: str
    certificates: tuple[Certificate, ...]


_TrustFile = _CaFile | _CrlFile | _NamespacesFile | _SigningPolicyFile
_VomsFile = _LscFile | _SignerFile


class TrustStore(Watched[_TrustFile, Anchors]):
    """The CA directory as IGTF ships it.

    ``HASH.N`` holds certificates, ``HASH.rN`` CRLs, both in PEM or DER;
    ``.namespaces`` and ``.signing_policy`` what a CA may sign; other files are
    not looked at. A CA or CRL counts by its content, whatever its file name.
    """

    code = "ca_directory_unreadable"
    kind = "CA directory"

    def _list(self) -> tuple[dict[str, Stamp], frozenset[str]]:
        wanted = {
            name: stamp
            for name, stamp in stamps(self.path).items()
            if name.endswith((".namespaces", ".signing_policy"))
            or _CA_FILE.fullmatch(name)
            or _CRL_FILE.fullmatch(name)
        }
        return wanted, frozenset()

    def _parse(self, name: str, data: bytes) -> _TrustFile:
        base, suffix = os.path.splitext(name)
        if suffix == ".namespaces":
            return _NamespacesFile(
                PolicyFile(base=base, statements=parse_namespaces(data))
            )
        if suffix == ".signing_policy":
            return _SigningPolicyFile(
                PolicyFile(base=base, statements=parse_signing_policy(data))
            )
        if suffix.startswith(".r"):
            lists = _decoded(data, b"X509 CRL")
            return _CrlFile(base, tuple(Crl.from_der(item) for item in lists))
        return _CaFile(base, _certificates(data))

    def _stand_in(self, name: str) -> _TrustFile:
        base, suffix = os.path.splitext(name)
        if suffix == ".namespaces":
            return _NamespacesFile(PolicyFile(base=base, statements=None))
        if suffix == ".signing_policy":
            return _SigningPolicyFile(PolicyFile(base=base, statements=None))
        if suffix.startswith(".r"):
            return _CrlFile(base, None)
        return _CaFile(base, ())

    def _assemble(
        self, items: Iterable[_TrustFile], directories: frozenset[str]
    ) -> Anchors:
        listed = list(items)
        return Anchors(
            certificates=[
                (item.base, certificate)
                for item in listed
                if isinstance(item, _CaFile)
                for certificate in item.certificates
            ],
            crls=[
                crl
                for item in listed
                if isinstance(item, _CrlFile)
                for crl in item.crls or ()
            ],
            bases_of_bad_crls=[
                item.base
                for item in listed
                if isinstance(item, _CrlFile) and item.crls is None
            ],
            namespaces=[
                item.policy for item in listed if isinstance(item, _NamespacesFile)
            ],
            signing_policies=[
                item.policy for item in listed if isinstance(item, _SigningPolicyFile)
            ],
        )


class Vomsdir(Watched[_VomsFile, VoServers]):
    """The directory with one sub-directory for each accepted VO.

    In it, ``HOST.lsc`` lists the DNs of that VOMS server and of its CAs; a
    ``.pem`` file holds the certificate of a server that has no LSC file.
    """

    code = "vomsdir_unreadable"
    kind = "vomsdir"

    def _list(self) -> tuple[dict[str, Stamp], frozenset[str]]:
        files: dict[str, Stamp] = {}
        vos: set[str] = set()
        for vo in os.listdir(self.path):
            if not is_safe_label(vo):
                continue
            try:
                inside = stamps(self.path / vo)
            except NotADirectoryError:
                continue
            except OSError:
                # The VO is known, so that its ACs are refused and not set
                # aside as those of a stranger.
                inside = {}
            vos.add(vo)
            files.update(
                (f"{vo}/{name}", stamp)
                for name, stamp in inside.items()
                if name.endswith((".lsc", ".pem"))
            )
        return files, frozenset(vos)

    def _parse(self, name: str, data: bytes) -> _VomsFile:
        vo, _, file = name.partition("/")
        if file.endswith(".lsc"):
            return _LscFile(vo, file.removesuffix(".lsc"), parse_lsc(data))
        return _SignerFile(vo, _certificates(data))

    def _stand_in(self, name: str) -> _VomsFile:
        vo, _, file = name.partition("/")
        if file.endswith(".lsc"):
            return _LscFile(vo, file.removesuffix(".lsc"), None)
        return _SignerFile(vo, ())

    def _assemble(
        self, items: Iterable[_VomsFile], directories: frozenset[str]
    ) -> VoServers:
        lsc: dict[str, dict[str, Lsc | None]] = {vo: {} for vo in directories}
        signers: dict[str, list[Certificate]] = {vo: [] for vo in directories}
        for item in items:
            if isinstance(item, _LscFile):
                lsc[item.vo][item.host] = item.chains
            else:
                signers[item.vo].extend(item.certificates)
        return VoServers(
            {
                vo: VoDirectory(lsc=lsc[vo], certificates=tuple(signers[vo]))
                for vo in directories
            }
        )


def _certificates(data: bytes) -> tuple[Certificate, ...]:
    return tuple(Certificate.from_der(item) for item in _decoded(data, b"CERTIFICATE"))


def _decoded(data: bytes, label: bytes) -> list[bytes]:
    """Return the DER objects of a file, which is PEM with this label, or DER."""
    if b"-----BEGIN " not in data:
        return [data]
    found: list[bytes] = []
    for other, body in pem_blocks(data):
        if other != label:
            raise PemError(f"it holds a {other[:40].decode('ascii', 'replace')!r}")
        found.append(decode_body(body))
    return found
