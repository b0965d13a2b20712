# SPDX-License-Identifier: Apache-2.0
"""What the guide's text promises about the output of its commands.

Owns the table, by section and command. A promise looks at what a command said, and must
never run one itself. Read PROMISES.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.guide.shell import Result

KEYSTONE = "https://keystone.example.org:5000"
KEYSTONE_LOG = Path("/var/log/keystone/keystone.log")
ALICE = "/DC=org/DC=example/O=People/CN=alice"
VERDICT = re.compile(r"^(?P<verdict>ok|note|WRONG)  +(?P<name>\S.*)$", re.MULTILINE)
# What step 3 leaves to the two steps behind it.
YET_TO_COME = {"Mapping file", "Identity provider", "Entries of the mapping"}

PROBE = ["step", "verdict", "seconds", "what was seen"]
PROBED = {"create", "become active", "delete"}


@dataclass(kw_only=True)
class Told:
    """What earlier commands said that a later one is compared with."""

    user_ids: list[str] = field(default_factory=list)


Check = Callable[[Result, Told], str]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What holds for the commands of a section that have a text in them.

    `broken` returns what is wrong, or ''. `may_fail`: the guide lets the command end
    with another status than 0.
    """

    section: str
    command: str
    broken: Check
    may_fail: bool = False

    def is_for(self, section: str, command: str) -> bool:
        """Return whether the promise is about this command."""
        return section == self.section and self.command in command


def prints(expected: str) -> Check:
    """Return the check that a command prints this, and nothing else."""

    def broken(result: Result, told: Told) -> str:
        found = " ".join(result.output.split())
        return "" if found == expected else f"it printed {found!r}, not {expected!r}"

    return broken


def shows(*expected: str) -> Check:
    """Return the check that the output has each of these texts in it."""

    def broken(result: Result, told: Told) -> str:
        missing = [text for text in expected if text not in result.output]
        return f"it does not show {missing[0]!r}" if missing else ""

    return broken


def calls_wrong(expected: set[str]) -> Check:
    """Return the check that check-config looks at much and finds just this wrong."""

    def broken(result: Result, told: Told) -> str:
        found = {one["name"]: one["verdict"] for one in VERDICT.finditer(result.output)}
        wrong = {name for name, verdict in found.items() if verdict == "WRONG"}
        if not YET_TO_COME <= set(found):
            return f"check-config did not look at {YET_TO_COME - set(found)}"
        return "" if wrong == expected else f"WRONG are {wrong}, not {expected}"

    return broken


def is_logged_in(result: Result, told: Told) -> str:
    """Keep whose token it is; it has to be that of the logins before."""
    found = re.search(r"^\| user_id +\| (\S+) +\|$", result.output, re.MULTILINE)
    if not found:
        return "it shows no user_id"
    told.user_ids.append(found.group(1))
    if len(set(told.user_ids)) > 1:
        return f"the logins have the users {' and '.join(told.user_ids)}"
    logins = KEYSTONE_LOG.read_text().count(f'VOMS login: dn="{ALICE}"')
    # The check of step 7 has logged in already.
    if logins <= len(told.user_ids):
        return f"{KEYSTONE_LOG} has {logins} lines 'VOMS login:'"
    return ""


def is_a_v2_token(result: Result, told: Told) -> str:
    """Return what an old client would miss in the answer."""
    try:
        access = json.loads(result.output)["access"]
        found = access["token"]["id"], access["user"]["id"]
    except (ValueError, KeyError, TypeError) as error:
        return f"that is no answer of the v2.0 API ({error!r})"
    return "" if found[1] in told.user_ids else f"the token is that of {found[1]}"


def has_no_failure(result: Result, told: Told) -> str:
    """Return which result of the upgrade check is bad; warnings are allowed."""
    found = re.findall(r"^\| Result: (\w+)", result.output, re.MULTILINE)
    if "Success" not in found:
        return "no check is a Success"
    if result.status > 1:
        return f"it ended with status {result.status}"
    other = set(found) - {"Success", "Warning"}
    return f"a check says {other.pop()}" if other else ""


def is_ok_throughout(result: Result, told: Told) -> str:
    """Return which step of the probe is not ok."""
    rows = [re.split(r"  +", line) for line in result.lines]
    steps = rows[rows.index(PROBE) + 1 :] if PROBE in rows else []
    bad = [" ".join(row) for row in steps if len(row) < 2 or row[1] != "ok"]
    if bad:
        return f"a step is not ok: {bad[0]}"
    missing = PROBED - {row[0] for row in steps}
    return f"the probe did not {missing.pop()}" if missing else ""


_LOGIN = '{"methods": ["voms"], "voms": {}}'
_KEYSTONE_CONF, _CHECK = "3. keystone.conf", "7. The TLS server / Check"
_USERS_MACHINE = "10. A first login / On a user's machine"

PROMISES: tuple[Promise, ...] = (
    Promise(
        section="1. What is trusted",
        command="voms-explain",
        broken=shows(
            "\naccepted\n", f"DN            {ALICE}\n", "\nVO            dteam\n"
        ),
    ),
    Promise(
        section=_KEYSTONE_CONF,
        command="check-config",
        broken=calls_wrong(YET_TO_COME),
        may_fail=True,
    ),
    Promise(
        section="4. The identity provider",
        command="show -c authorization_ttl",
        broken=shows("1440"),
    ),
    Promise(
        section="5. Projects and voms.json",
        command="check-config",
        broken=calls_wrong(set()),
    ),
    Promise(
        section="5. Projects and voms.json",
        command="map --proxy",
        broken=shows("would be created", "project     dteam"),
    ),
    Promise(
        section="6. Keystone behind the pipeline",
        command="journalctl",
        broken=shows("WSGI app 0"),
    ),
    Promise(
        section="6. Keystone behind the pipeline",
        command="ls -l /run/keystone-voms",
        broken=shows("srw-rw---- 1 keystone www-data"),
    ),
    Promise(section=_CHECK, command=f"curl {KEYSTONE}/v3", broken=shows('"stable"')),
    Promise(section=_CHECK, command=_LOGIN, broken=prints("201")),
    Promise(section=_CHECK, command="s_client", broken=prints("6 New,")),
    Promise(section="HAProxy in place of Apache", command=_LOGIN, broken=prints("401")),
    Promise(
        section="8. The catalog",
        command="grep -v ^https",
        broken=prints(""),
        may_fail=True,
    ),
    Promise(section="9. The other services", command="! grep -rn", broken=prints("")),
    Promise(
        section="9. The other services",
        command="www-authenticate",
        broken=shows(f'Keystone uri="{KEYSTONE}"'),
    ),
    Promise(section=_USERS_MACHINE, command="token issue", broken=is_logged_in),
    Promise(section=_USERS_MACHINE, command="/v2.0/tokens", broken=is_a_v2_token),
    Promise(
        section="10. A first login / On Keystone's host",
        command="upgrade check",
        broken=has_no_failure,
        may_fail=True,
    ),
    Promise(
        section="11. OCCI",
        command="www-authenticate",
        broken=shows(f"Keystone uri='{KEYSTONE}'"),
    ),
    Promise(
        section="11. OCCI / As a user of a project",
        command="ooi-manage probe",
        broken=is_ok_throughout,
    ),
    # The page on isolation.
    Promise(
        section="Switch it on",
        command="vo-policy validate",
        broken=shows(": ok, "),
    ),
    Promise(
        section="Coming from the guide",
        command="diff-targets",
        broken=shows("nova: ok\n", "cinder: ok\n", "glance: ok\n"),
    ),
    Promise(
        section="Somebody is refused",
        command="vo-policy explain",
        broken=shows("answers 404", "denied by the filter"),
        may_fail=True,
    ),
)
