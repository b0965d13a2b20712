# SPDX-License-Identifier: Apache-2.0
"""Two users of one VO: each has machines, and neither reaches the other's.

Owns: a subset of what the isolation promises, at Nova's API and OCCI's. Must never:
count a refusal that told or changed something. Read first: OthersTest.refused.
"""

import uuid
from typing import Any

from tempest import config
from tempest.lib import decorators, exceptions

from fedcloud_tempest_plugin.doors import token_of
from fedcloud_tempest_plugin.http import Answer
from fedcloud_tempest_plugin.services import URIS, Nova, Occi
from fedcloud_tempest_plugin.tests.api import base

CONF = config.CONF
REBOOT = {"reboot": {"type": "SOFT"}}
CONSOLE = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
# What an operation of somebody else would change.
WATCHED = ("name", "status", "metadata", "OS-EXT-STS:task_state", "locked")


class MachineTest(base.IsolationTest):
    """Tests about one machine of the first user."""

    mark: str
    machine: str
    owner: Nova

    @classmethod
    def resource_setup(cls) -> None:
        super().resource_setup()
        cls.home = cls.at_home("user_proxy")
        cls.owner = cls.nova(cls.home)
        cls.mark = uuid.uuid4().hex
        cls.machine = cls.server(cls.owner, "owned", mark=cls.mark)

    def look(self) -> dict[str, Any]:
        """Return what an operation could change, as the owner sees it."""
        answer = self.owner.send("GET", f"/servers/{self.machine}")
        self.assertEqual(200, answer.status, answer.text)
        return {name: answer.document["server"][name] for name in WATCHED}


class OwnerTest(MachineTest):
    """The owner may do everything; the control of all that is refused below."""

    @decorators.idempotent_id("1e9d3c5b-8a7f-4b60-a4d2-f3c6e8b0a957")
    @decorators.attr(type="smoke")
    def test_owner_reaches_the_machine(self) -> None:
        place = f"/servers/{self.machine}"
        listed = self.owner.send("GET", "/servers").document["servers"]
        self.assertIn(self.machine, [one["id"] for one in listed])
        self.assertEqual(self.mark, self.look()["metadata"]["mark"])
        for method, path, body, status in (
            ("POST", "/metadata", {"metadata": {"more": "1"}}, 200),
            ("DELETE", "/metadata/more", None, 204),
            ("POST", "/action", {"os-getConsoleOutput": {}}, 200),
            ("POST", "/action", REBOOT, 202),
        ):
            answer = self.owner.send(method, place + path, body)
            self.assertEqual(status, answer.status, f"{path}: {answer.text}")
        self.wait_for_server(self.owner, self.machine)


class OthersTest(MachineTest):
    """Another user of the VO is told that the machine does not exist."""

    @classmethod
    def resource_setup(cls) -> None:
        super().resource_setup()
        cls.others_home = cls.at_home("other_user_proxy")
        cls.other = cls.nova(cls.others_home)

    def refused(self, method: str, path: str, body: Any = None) -> None:
        """Assert that the other user is answered as about a missing machine.

        The machine's part of the path is MACHINE; afterwards it is as before.
        """
        before = self.look()
        missing = str(uuid.uuid4())
        answer = self.ask(self.other, method, path, body, self.machine)
        like = self.ask(self.other, method, path, body, missing)
        self.assertEqual(404, answer.status, answer.text)
        self.assertEqual(like.status, answer.status)
        self.assertEqual(
            like.text.replace(missing, "MACHINE"),
            answer.text.replace(self.machine, "MACHINE"),
        )
        self.assertNotIn(self.mark, answer.text)
        self.assertEqual(before, self.look())

    def ask(
        self, nova: Nova, method: str, path: str, body: Any, machine: str
    ) -> Answer:
        """Return the answer to a request about a machine."""
        return nova.send(method, path.replace("MACHINE", machine), body)

    @decorators.idempotent_id("b8c2f4e6-5d1a-4937-8e0b-a6d9c7f3b215")
    @decorators.attr(type="smoke")
    def test_lists(self) -> None:
        for path in (
            "/servers",
            "/servers/detail",
            "/servers?name=fedcloud",
            f"/servers/detail?user_id={self.home.user_id}",
            f"/servers/detail?project_id={self.home.project_id}",
        ):
            answer = self.other.send("GET", path)
            self.assertEqual(200, answer.status, answer.text)
            self.assertNotIn(self.machine, answer.text, path)
            self.assertNotIn(self.mark, answer.text, path)

    @decorators.idempotent_id("4f7a1c9d-0e36-4b82-9c5d-d2b8e6f4a370")
    @decorators.attr(type="smoke")
    def test_show(self) -> None:
        self.refused("GET", "/servers/MACHINE")

    @decorators.idempotent_id("9a5e3d7c-b1f0-4286-a7c4-c8f6b2d0e491")
    def test_reboot(self) -> None:
        self.refused("POST", "/servers/MACHINE/action", REBOOT)

    @decorators.idempotent_id("6c4b8e2f-d3a9-4715-b0e6-e1a7d5c3f842")
    def test_stop(self) -> None:
        self.refused("POST", "/servers/MACHINE/action", {"os-stop": None})

    @decorators.idempotent_id("d7f1b5a3-c9e8-4024-86d2-f5b3a1e7c960")
    @decorators.attr(type="smoke")
    def test_delete(self) -> None:
        self.refused("DELETE", "/servers/MACHINE")

    @decorators.idempotent_id("35e9c7d1-a6b4-4f08-9d3e-b7c5f9a1e283")
    def test_rename(self) -> None:
        self.refused("PUT", "/servers/MACHINE", {"server": {"name": "taken"}})

    @decorators.idempotent_id("e0d8a6c4-f2b7-4a19-8c5b-a3e1d9f7b506")
    def test_console(self) -> None:
        output: dict[str, Any] = {"os-getConsoleOutput": {}}
        self.refused("POST", "/servers/MACHINE/action", output)
        self.refused("POST", "/servers/MACHINE/remote-consoles", CONSOLE)

    @decorators.idempotent_id("72b6f0e8-4c5d-4e91-a8f3-d0c9b5a7e634")
    def test_metadata(self) -> None:
        self.refused("GET", "/servers/MACHINE/metadata")
        self.refused("GET", "/servers/MACHINE/metadata/mark")
        body = {"metadata": {"mark": "taken"}}
        self.refused("POST", "/servers/MACHINE/metadata", body)
        self.refused("DELETE", "/servers/MACHINE/metadata/mark")

    @decorators.idempotent_id("5b9f7e3a-1d8c-4c60-b4a2-e6d4c8f0a715")
    def test_ports_and_history(self) -> None:
        self.refused("GET", "/servers/MACHINE/os-interface")
        self.refused("GET", "/servers/MACHINE/os-instance-actions")


class OcciOthersTest(MachineTest, base.OcciTest):
    """The same machine at the OCCI interface."""

    @classmethod
    def resource_setup(cls) -> None:
        super().resource_setup()
        cls.other = cls.occi(cls.at_home("other_user_proxy"))

    @decorators.idempotent_id("8d2c6a4e-f7b1-4539-9e0d-c4a8f6b2d317")
    @decorators.attr(type="smoke")
    def test_machine_of_another_user(self) -> None:
        place, before = f"/compute/{self.machine}", self.look()
        self.assertEqual("active", self.occi(self.home).state(place))
        self.assertNotIn(self.machine, self.listed(self.other))
        self.assertIn(self.machine, self.listed(self.occi(self.home)))
        for answer in (
            self.other.send("GET", place),
            self.other.act(place, "stop"),
            self.other.submit(place, 'X-OCCI-Attribute: occi.core.title="taken"'),
            self.other.send("DELETE", place),
        ):
            self.assertEqual(404, answer.status, answer.text)
            self.assertNotIn(self.mark, answer.text)
        self.assertEqual(before, self.look())

    def listed(self, occi: Occi) -> str:
        """Return the URLs of all machines that a user sees."""
        answer = occi.send("GET", "/compute/", headers={"Accept": URIS})
        self.assertEqual(200, answer.status, answer.text)
        return answer.text


class AuditorTest(MachineTest):
    """One who has to know what runs reads all of it, and changes nothing."""

    credentials = ["admin"]

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.fedcloud.auditor_role:
            raise cls.skipException("[fedcloud] auditor_role is empty")

    @classmethod
    def resource_setup(cls) -> None:
        super().resource_setup()
        users, roles = cls.os_admin.users_v3_client, cls.os_admin.roles_v3_client
        password = uuid.uuid4().hex
        user = users.create_user(
            name=cls.unique("auditor"),
            password=password,
            domain_id=CONF.identity.default_domain_id,
        )["user"]["id"]
        cls.addClassResourceCleanup(users.delete_user, user)
        named = roles.list_roles(name=CONF.fedcloud.auditor_role)["roles"]
        if not named:
            raise exceptions.InvalidConfiguration(
                f"Keystone has no role {CONF.fedcloud.auditor_role!r}. Make it, or "
                "set [fedcloud] auditor_role in tempest.conf."
            )
        home = cls.home.project_id
        roles.create_user_role_on_project(home, user, named[0]["id"])
        token = token_of(cls.doors.by_password(user, password, home))
        cls.auditor = cls.nova(token)

    @decorators.idempotent_id("a4f0d8b6-3c7e-4192-8b5a-f9e7c1d3b068")
    def test_auditor_reads(self) -> None:
        listed = self.auditor.send("GET", "/servers/detail")
        self.assertEqual(200, listed.status, listed.text)
        found = {one["id"]: one for one in listed.document["servers"]}
        self.assertEqual(self.home.user_id, found[self.machine]["user_id"])
        shown = self.auditor.send("GET", f"/servers/{self.machine}")
        self.assertEqual(200, shown.status, shown.text)

    @decorators.idempotent_id("27c5e9a1-d4b8-4f63-a0d7-b6f2c8e4a195")
    def test_auditor_changes_nothing(self) -> None:
        place, before = f"/servers/{self.machine}", self.look()
        for method, path, body in (
            ("POST", "/action", REBOOT),
            ("POST", "/action", {"os-stop": None}),
            ("POST", "/remote-consoles", CONSOLE),
            ("POST", "/metadata", {"metadata": {"mark": "taken"}}),
            ("PUT", "", {"server": {"name": "taken"}}),
            ("DELETE", "", None),
        ):
            answer = self.auditor.send(method, place + path, body)
            self.assertIn(answer.status, (403, 404), f"{method} {path}: {answer.text}")
        self.assertEqual(before, self.look())
