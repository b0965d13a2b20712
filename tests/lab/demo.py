# SPDX-License-Identifier: Apache-2.0
"""``make demo``: the main job, step by step, on a real OpenStack.

Owns what is printed and what each step asserts. A step believes only what a
service answers: it never looks into the lab's own state for success. A step
that fails does not end the demo; those that build on it fail with it. Read
``STEPS`` at the end first.
"""

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import requests

from keystone_voms_ext.voms.chain import certificates_from_pem
from keystone_voms_ext.voms.errors import VomsError
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import validate
from tests.grid.accounts import ACCOUNTS
from tests.lab.demo_clients import Demo, StepFailed, expect
from tests.lab.errors import LabError
from tests.lab.lab import Lab

KIND = 'compute;scheme="http://schemas.ogf.org/occi/infrastructure#";class="kind"'
ACTION = "http://schemas.ogf.org/occi/infrastructure/compute/action#"
TITLE = "demo"
PATIENCE_SECONDS = 60


# What a step may meet when a service is broken or gone; anything else is a
# mistake of ours and ends the demo with its trace.
FAULTS = (
    StepFailed,
    LabError,
    VomsError,
    OSError,
    ValueError,
    LookupError,
    subprocess.TimeoutExpired,
)


# The steps. Each returns the lines that a person wants to see.


def start(demo: Demo) -> list[str]:
    demo.lab.up()
    demo.env = demo.lab.client_environ()
    demo.mark_logs()
    return ["keystone placement glance nova neutron cinder answer on 127.0.0.1"]


def prove(demo: Demo) -> list[str]:
    pem = Path(demo.env["OS_X509_USER_PROXY"]).read_bytes()
    proved = validate(
        certificates_from_pem(pem),
        trust=TrustStore(Path(demo.env["LAB_CADIR"])),
        vomsdir=Vomsdir(Path(demo.env["LAB_VOMSDIR"])),
        at=datetime.now(UTC),
    )
    expect("the DN", proved.dn, ACCOUNTS["alice"].dn)
    expect("the VO", proved.vo, "dteam")
    demo.found["proxy end"] = proved.not_after
    return [
        f"DN     {proved.dn}",
        f"VO     {proved.vo}, vouched for by {proved.voms_host}",
        f"FQANs  {' '.join(proved.fqans)}",
    ]


def be_unknown(demo: Demo) -> list[str]:
    headers = demo.admin()
    for user in demo.alices():
        demo.keystone("DELETE", f"/users/{user['id']}", headers=headers)
    expect("the number of users with alice's DN", len(demo.alices()), 0)
    return ["no user of Keystone has alice's DN"]


def get_token(demo: Demo) -> list[str]:
    demo.mark_logs()
    issued = demo.openstack("token", "issue")
    ends = datetime.fromisoformat(issued["expires"].replace("+0000", "+00:00"))
    if ends > demo.need("proxy end"):
        raise StepFailed(f"the token ends at {ends}, after the proxy")
    token = demo.token(issued["id"])
    expect("the user's name", token["user"]["name"], ACCOUNTS["alice"].dn)
    demo.found.update(token=issued["id"], user=issued["user_id"])
    return [
        "$ openstack token issue",
        f"token ends {ends:%Y-%m-%d %H:%M:%S}",
        f"proxy ends {demo.need('proxy end'):%Y-%m-%d %H:%M:%S}",
    ]


def know_user(demo: Demo) -> list[str]:
    (user,) = demo.alices() or [{"id": None}]
    expect("the user of the token", demo.need("user"), user["id"])
    token = demo.token(demo.need("token"))
    roles = sorted(role["name"] for role in token["roles"])
    expect("the project", token["project"]["name"], "dteam")
    expect("'member' among the roles", "member" in roles, True)
    return [f"user {user['id']}  project dteam  roles {' '.join(roles)}"]


def see_log(demo: Demo) -> list[str]:
    line = demo.new_line("keystone", "VOMS login:")
    expect("alice's DN in the line", ACCOUNTS["alice"].dn in line, True)
    expect("'created' in the line", "(created)" in line, True)
    return [line[line.index("VOMS login:") :]]


def list_kinds(demo: Demo) -> list[str]:
    answer = demo.occi("GET", "/-/")
    expect("the status", answer.status_code, 200)
    # Blanks between the parameters of a category mean nothing.
    categories = re.sub(r";\s+", ";", answer.text).splitlines()
    expect("the kind compute", any(KIND in line for line in categories), True)
    for name, mark in (("image", "template/os#"), ("flavor", "template/resource#")):
        lines = [line for line in categories if mark in line and 'rel="' in line]
        if not lines:
            raise StepFailed(f"no {name} is offered")
        demo.found[name] = lines[0].split(";title=")[0].removeprefix("Category: ")
    return [
        f"GET /-/ -> 200, {len(categories)} categories, {answer.headers['Server']}",
        *(f"{name:6} {demo.found[name]}" for name in ("image", "flavor")),
    ]


def create(demo: Demo) -> list[str]:
    body = [
        f"Category: {KIND}",
        f"Category: {demo.need('image')}",
        f"Category: {demo.need('flavor')}",
        f'X-OCCI-Attribute: occi.core.title="{TITLE}"',
    ]
    answer = demo.occi(
        "POST",
        "/compute/",
        data="\n".join(body),
        headers={"Content-Type": "text/plain"},
    )
    if answer.status_code != 201:
        raise StepFailed(f"the answer is {answer.status_code}: {answer.text.strip()}")
    demo.found["machine"] = answer.headers["Location"]
    return ["POST /compute/", *body, f"-> 201 Location: {answer.headers['Location']}"]


def reach(state: str) -> Callable[[Demo], list[str]]:
    """Return a step that waits until OCCI tells this state of the machine."""

    def step(demo: Demo) -> list[str]:
        end = time.monotonic() + PATIENCE_SECONDS
        states: list[str] = []
        while not states or states[-1] != state:
            answer = demo.occi("GET", demo.need("machine"))
            expect("the status", answer.status_code, 200)
            shown = answer.text.partition('occi.compute.state="')[2].partition('"')[0]
            if not states or states[-1] != shown:
                states.append(shown)
            if shown == "error" or time.monotonic() > end:
                raise StepFailed(f"the machine is {shown!r}, not {state!r}")
            time.sleep(0.2)
        return [f"GET the machine -> occi.compute.state: {' -> '.join(states)}"]

    return step


def act(action: str, status: str) -> Callable[[Demo], list[str]]:
    """Return a step that triggers an action; Nova must show the status at last."""
    after = {"stop": "inactive", "start": "active"}[action]

    def step(demo: Demo) -> list[str]:
        answer = demo.occi(
            "POST",
            f"{demo.need('machine')}?action={action}",
            data=f'Category: {action};scheme="{ACTION}";class="action"',
            headers={"Content-Type": "text/plain"},
        )
        expect("the status", answer.status_code, 200)
        lines = reach(after)(demo)
        machine = demo.need("machine").rpartition("/")[2]
        expect(
            "Nova's status", demo.openstack("server", "show", machine)["status"], status
        )
        return [f"POST ?action={action} -> 200", *lines, f"nova says {status}"]

    return step


def list_servers(demo: Demo) -> list[str]:
    machine = demo.need("machine").rpartition("/")[2]
    servers = {server["ID"]: server for server in demo.openstack("server", "list")}
    if machine not in servers:
        raise StepFailed(f"openstack server list does not show {machine}")
    server = servers[machine]
    expect("its name", server["Name"], TITLE)
    expect("its status", server["Status"], "ACTIVE")
    return ["$ openstack server list", f"{machine}  {server['Name']}  ACTIVE"]


def delete(demo: Demo) -> list[str]:
    machine = demo.need("machine")
    gone = demo.occi("DELETE", machine).status_code
    expect("the status of DELETE", gone in (200, 204), True)
    end = time.monotonic() + PATIENCE_SECONDS
    while (status := demo.occi("GET", machine).status_code) != 404:
        if time.monotonic() > end:
            raise StepFailed(f"the machine is still there: {status}")
        time.sleep(0.2)
    servers = demo.openstack("server", "list")
    expect("its listing", machine.rpartition("/")[2] in str(servers), False)
    return [f"DELETE the machine -> {gone}; now 404, and gone from the server list"]


def refuse_by_tls(proxy: str) -> Callable[[Demo], list[str]]:
    """Return a step in which the TLS server ends the handshake of a login."""

    def step(demo: Demo) -> list[str]:
        demo.mark_logs()
        try:
            answer = demo.log_in(proxy)
        except requests.exceptions.SSLError as error:
            alert = re.search(r"\[SSL: (\w+)\]|(tlsv?\d* alert [a-z ]+)", str(error))
            saw = (alert[1] or alert[2]) if alert else str(error)
        else:
            raise StepFailed(f"Keystone answered {answer.status_code}")
        line = demo.new_line("keystone-tls", "TLS handshake")
        return [
            f"the client saw  TLS alert {saw}",
            f"keystone-tls.log  {line[line.index('TLS handshake') :]}",
        ]

    return step


def refuse_by_keystone(proxy: str, code: str) -> Callable[[Demo], list[str]]:
    """Return a step in which Keystone refuses a login, under a stable code."""

    def step(demo: Demo) -> list[str]:
        demo.mark_logs()
        answer = demo.log_in(proxy)
        expect("the status", answer.status_code, 401)
        line = demo.new_line("keystone", f"[{code}]")
        return [
            f"the client saw  401 {answer.json()['error']['message']}",
            f"keystone.log  {line[line.index('VOMS login') :]}",
        ]

    return step


def let_in_by_password(demo: Demo) -> list[str]:
    demo.admin()
    return ["admin logs in by password on the same port"]


def stop(demo: Demo) -> list[str]:
    demo.lab.down()
    with contextlib.suppress(requests.exceptions.ConnectionError):
        demo.keystone("GET", "/")
        raise StepFailed("Keystone still answers")
    return ["every service is stopped"]


STEPS: tuple[tuple[str, Callable[[Demo], list[str]]], ...] = (
    ("a real OpenStack runs on this machine", start),
    ("alice's proxy is valid", prove),
    ("Keystone does not know alice", be_unknown),
    ("alice logs in with her proxy", get_token),
    ("Keystone made the user, in the project of her VO", know_user),
    ("the log has one line about it", see_log),
    ("OCCI lists its kinds, images and flavors", list_kinds),
    ("OCCI starts a virtual machine", create),
    ("the machine becomes active", reach("active")),
    ("OpenStack's own client sees the same machine", list_servers),
    ("OCCI stops it", act("stop", "SHUTOFF")),
    ("OCCI starts it again", act("start", "ACTIVE")),
    ("OCCI deletes it", delete),
    ("an expired proxy is refused", refuse_by_tls("expired")),
    (
        "mallory, from a CA that nobody trusts, is refused",
        refuse_by_tls("mallory"),
    ),
    (
        "frank, whom no VO vouches for, is refused",
        refuse_by_keystone("frank", "no_ac"),
    ),
    (
        "dave, whose VO has no mapping, is refused",
        refuse_by_keystone("dave", "vo_not_mapped"),
    ),
    ("a password still works", let_in_by_password),
    ("everything stops", stop),
)


def main() -> int:
    """Run the steps and return the exit status: 1 if one failed."""
    demo = Demo(Lab.from_environ())
    passed = 0
    try:
        for number, (title, step) in enumerate(STEPS, 1):
            begin = time.monotonic()
            try:
                lines, mark = step(demo), "ok"
                passed += 1
            except FAULTS as error:
                lines, mark = [f"{type(error).__name__}: {error}"], "FAILED"
            seconds = time.monotonic() - begin
            print(f"{number:2} {mark:6} {seconds:6.1f} s  {title}", flush=True)
            for line in lines:
                print(f"{'':20}{line}", flush=True)
            if not demo.env:
                print("Without the lab there is nothing to show.")
                break
    finally:
        demo.lab.down()
    print(f"demo: {passed}/{len(STEPS)} steps passed")
    return 0 if passed == len(STEPS) else 1


if __name__ == "__main__":
    sys.exit(main())
