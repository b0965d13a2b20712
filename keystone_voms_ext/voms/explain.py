# SPDX-License-Identifier: Apache-2.0
"""``voms-explain``: the verdict on a proxy file, and the way to it.

Owns the command line and both forms of its answer. Must never report as found
what was not verified, nor import more than the validator does: the command is
to start at once. Read ``main`` first.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from keystone_voms_ext.voms.chain import PEM_MAX_BYTES, certificates_from_pem
from keystone_voms_ext.voms.codes import CODES
from keystone_voms_ext.voms.errors import CredentialRefused, SetupError
from keystone_voms_ext.voms.rules import CRL_POLICIES, Rules, Step
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import VomsAttributes, validate

ACCEPT, REJECT, UNUSABLE = 0, 1, 2
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


class Answer(NamedTuple):
    """What is known at the end: the checks that passed, and how it ended."""

    steps: tuple[Step, ...]
    attributes: VomsAttributes | None
    error: CredentialRefused | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge a proxy file, print the answer, return the exit status.

    0: accepted. 1: refused. 2: the file or a directory cannot be read; wrong
    use ends with 2 as well.
    """
    options = _parser().parse_args(arguments)
    # Broken files of the directories are named by the core.
    logging.basicConfig(level=logging.WARNING, format="voms-explain: %(message)s")
    trust, vomsdir = TrustStore(options.ca_dir), Vomsdir(options.vomsdir)
    try:
        trust.snapshot()
        vomsdir.snapshot()
        # One byte more shows that the file is too large.
        with options.chain.open("rb") as file:
            pem = file.read(PEM_MAX_BYTES + 1)
    except SetupError as error:
        print(f"voms-explain: {error}", file=sys.stderr)
        return UNUSABLE
    except OSError as error:
        print(
            f"voms-explain: {options.chain} cannot be read: {error.strerror}. "
            "Make a proxy with voms-proxy-init, or name the file.",
            file=sys.stderr,
        )
        return UNUSABLE
    answer = _judge(pem, trust, vomsdir, options)
    if options.json:
        print(json.dumps(_as_object(answer)))
    else:
        for line in _as_text(answer, options):
            print(line)
    return REJECT if answer.error else ACCEPT


def _judge(
    pem: bytes, trust: TrustStore, vomsdir: Vomsdir, options: argparse.Namespace
) -> Answer:
    answer = _validate(pem, trust, vomsdir, options, tuple(options.hostname))
    refused = answer.error is not None and answer.error.code == "ac_not_for_this_host"
    if refused and not options.hostname:
        # DNS may be slow, and few ACs have targets: it is asked only for those.
        return _validate(pem, trust, vomsdir, options, (socket.getfqdn(),))
    return answer


def _validate(
    pem: bytes,
    trust: TrustStore,
    vomsdir: Vomsdir,
    options: argparse.Namespace,
    hostnames: tuple[str, ...],
) -> Answer:
    rules = Rules(
        crl_policy=options.crl_policy,
        allow_limited=not options.no_limited,
        hostnames=hostnames,
    )
    steps: list[Step] = []
    try:
        attributes = validate(
            certificates_from_pem(pem),
            trust=trust,
            vomsdir=vomsdir,
            at=options.at,
            rules=rules,
            trace=steps.append,
        )
    except CredentialRefused as error:
        return Answer(tuple(steps), None, error)
    return Answer(tuple(steps), attributes, None)


def _as_object(answer: Answer) -> dict[str, object]:
    """Return the answer for ``--json``; of a refused credential, nothing it says."""
    found, error = answer.attributes, answer.error
    return {
        "verdict": "accept" if found else "reject",
        "dn": found.dn if found else None,
        "issuer_dn": found.issuer_dn if found else None,
        "vo": found.vo if found else None,
        "fqans": list(found.fqans) if found else None,
        "generic_attributes": [
            {"name": item.name, "value": item.value, "qualifier": item.qualifier}
            for item in found.generic_attributes
        ]
        if found
        else None,
        "limited": found.limited if found else None,
        "not_after": found.not_after.strftime(_MOMENT) if found else None,
        "code": error.code if error else None,
        "error": str(error) if error else None,
    }


def _as_text(answer: Answer, options: argparse.Namespace) -> Iterator[str]:
    yield f"file          {options.chain}"
    yield f"moment        {options.at.strftime(_MOMENT)}"
    yield f"CA directory  {options.ca_dir}"
    yield f"vomsdir       {options.vomsdir}"
    subject = ""
    for step in answer.steps:
        if step.subject != subject:
            subject = step.subject
            yield f"\n{subject}"
        yield f"  ok       {_check(step.code, step.holds)}"
    if answer.error is not None:
        yield from _refusal(answer.error, subject)
    if answer.attributes is not None:
        yield from _values(answer.attributes)


def _check(code: str, text: str) -> str:
    entry = CODES[code]
    spec = f", {entry.spec}" if entry.spec else ""
    return f"{text} [{code}, rule {entry.rule}{spec}]"


def _refusal(error: CredentialRefused, subject: str) -> Iterator[str]:
    if error.subject != subject:
        yield f"\n{error.subject or 'the file'}"
    yield f"  refused  {_check(error.code, error.what)}"
    yield "\nrefused"
    yield f"what to do    {error.mend}"


def _values(found: VomsAttributes) -> Iterator[str]:
    yield "\naccepted"
    yield f"DN            {found.dn}"
    yield f"issued by     {found.issuer_dn}"
    yield f"VO            {found.vo}"
    for fqan in found.fqans:
        yield f"FQAN          {fqan}"
    for item in found.generic_attributes:
        # These are any text that a VO's administrator typed.
        named = f"{item.name} = {item.value} ({item.qualifier})"
        yield f"attribute     {ascii(named)[1:-1]}"
    yield f"limited       {'yes' if found.limited else 'no'}"
    yield f"valid until   {found.not_after.strftime(_MOMENT)}"
    yield f"VOMS server   {found.voms_host}, {found.ac_issuer}"
    for other in found.others:
        yield f"further VO    {other.vo}: {', '.join(other.fqans)}"
    for vo in found.ignored_vos:
        yield f"set aside     {vo}: vomsdir has no directory for it"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voms-explain",
        description="Tell whether this site accepts a VOMS proxy, and why not.",
        epilog="Exit status: 0 accepted, 1 refused, 2 wrong use or unreadable "
        "configuration. A private key in the file is skipped unread.",
    )
    parser.add_argument(
        "chain",
        nargs="?",
        type=Path,
        metavar="CHAIN.pem",
        default=_own_proxy(),
        help="proxy file or certificate chain, leaf first (default: %(default)s)",
    )
    parser.add_argument(
        "--vomsdir",
        type=Path,
        metavar="DIR",
        default=os.environ.get("X509_VOMS_DIR", "/etc/grid-security/vomsdir"),
        help="directory with the LSC files of the VOs (default: %(default)s)",
    )
    parser.add_argument(
        "--ca-dir",
        type=Path,
        metavar="DIR",
        default=os.environ.get("X509_CERT_DIR", "/etc/grid-security/certificates"),
        help="directory with CAs, CRLs and policies (default: %(default)s)",
    )
    parser.add_argument(
        "--hostname",
        action="append",
        metavar="NAME",
        default=[],
        help="name of the host that ACs may be targeted at; may be repeated "
        "(default: this host's full name)",
    )
    parser.add_argument(
        "--at",
        type=_moment,
        metavar="TIME",
        default=datetime.now(UTC),
        help="moment of the check, as YYYY-MM-DDTHH:MM:SSZ (default: now)",
    )
    parser.add_argument(
        "--crl-policy",
        choices=CRL_POLICIES,
        default="require",
        help="what a missing CRL means (default: %(default)s)",
    )
    parser.add_argument(
        "--no-limited", action="store_true", help="refuse limited proxies"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, no checks"
    )
    return parser


def _own_proxy() -> Path:
    """Return where the tools of this user keep the proxy."""
    # The name is fixed by the grid's tools, and the file is only read.
    usual = f"/tmp/x509up_u{os.getuid()}"  # noqa: S108  # nosec B108
    return Path(os.environ.get("X509_USER_PROXY") or usual)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        moment = datetime.max.replace(tzinfo=UTC)
    # The skew is added to it, so it must not be the end of all time.
    if moment.year == datetime.max.year:
        raise argparse.ArgumentTypeError(f"{text!r} is not YYYY-MM-DDTHH:MM:SSZ")
    return moment
