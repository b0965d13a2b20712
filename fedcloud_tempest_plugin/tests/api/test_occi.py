# SPDX-License-Identifier: Apache-2.0
"""A machine from its birth to its end by OCCI, in each format.

Owns: what a client of OCCI does on a good day. Must never: leave a machine. Read
first: MachineLifeTest.life.
"""

from tempest import config
from tempest.lib import decorators

from fedcloud_tempest_plugin import services
from fedcloud_tempest_plugin.services import JSON, TEXT, URIS, Occi
from fedcloud_tempest_plugin.tests.api import base

CONF = config.CONF


class QueryTest(base.OcciTest):
    """The site tells what it has."""

    @classmethod
    def resource_setup(cls) -> None:
        super().resource_setup()
        cls.token = cls.at_home("user_proxy")

    @decorators.idempotent_id("f3b7d1e9-8c5a-4a26-9f04-d8e6b0c2a473")
    @decorators.attr(type="smoke")
    def test_query_in_text(self) -> None:
        answer = self.occi(self.token).send("GET", "/-/")
        self.assertEqual(200, answer.status, answer.text)
        self.assertIn(TEXT, answer.headers["content-type"])
        for term, scheme in (
            ("compute", services.INFRASTRUCTURE),
            ("network", services.INFRASTRUCTURE),
            ("storage", services.INFRASTRUCTURE),
            ("stop", services.ACTIONS),
            (CONF.compute.image_ref, services.IMAGES),
            (CONF.compute.flavor_ref, services.FLAVORS),
        ):
            self.assertIn(f'Category: {term}; scheme="{scheme}"; class=', answer.text)

    @decorators.idempotent_id("60e4c8a2-b9d7-4b15-83f6-a1c9e5d7f308")
    def test_query_in_json(self) -> None:
        answer = self.occi(self.token, JSON).send("GET", "/-/")
        self.assertEqual(200, answer.status, answer.text)
        self.assertIn(JSON, answer.headers["content-type"])
        found = {
            one["scheme"] + one["term"]
            for group in ("kinds", "mixins", "actions")
            for one in answer.document[group]
        }
        self.assertLessEqual(
            {
                services.COMPUTE,
                f"{services.ACTIONS}stop",
                services.IMAGES + CONF.compute.image_ref,
                services.FLAVORS + CONF.compute.flavor_ref,
            },
            found,
        )


class MachineLifeTest(base.OcciTest):
    """A machine is made, started, stopped and removed."""

    @classmethod
    def resource_setup(cls) -> None:
        super().resource_setup()
        cls.token = cls.at_home("user_proxy")

    def life(self, form: str) -> None:
        """Walk through a machine's life in a format, beside Nova's view of it."""
        occi, nova = self.occi(self.token, form), self.nova(self.token)
        title = self.unique("occi")
        answer = occi.create(
            title,
            image=CONF.compute.image_ref,
            flavor=CONF.compute.flavor_ref,
            network=CONF.fedcloud.network,
        )
        self.assertEqual(201, answer.status, answer.text)
        machine = answer.headers["location"]
        server = machine.rpartition("/")[2]
        self.addCleanup(self.removed, nova, server)
        self.reaches(occi, machine, "active")
        listed = occi.send("GET", "/compute/", headers={"Accept": URIS})
        self.assertIn(machine, listed.text.split())
        seen = nova.send("GET", f"/servers/{server}").document["server"]
        self.assertEqual((title, "ACTIVE"), (seen["name"], seen["status"]))
        for action, state in (("stop", "inactive"), ("start", "active")):
            answer = occi.act(machine, action)
            self.assertEqual(200, answer.status, answer.text)
            self.reaches(occi, machine, state)
        answer = occi.send("DELETE", machine)
        self.assertEqual(200, answer.status, answer.text)
        self.reaches(occi, machine, "404")

    def reaches(self, occi: Occi, machine: str, state: str) -> None:
        """Wait until a machine is in a state."""
        self.until(lambda: occi.state(machine) == state, f"{machine} is {state}")

    @decorators.idempotent_id("c1a5f9d3-7e2b-4d84-b6c0-e3f7d5a9b182")
    @decorators.attr(type="smoke")
    def test_life_in_text(self) -> None:
        self.life(TEXT)

    @decorators.idempotent_id("8f6d2b0c-e5a3-4c97-91d8-b4a0c6e2f759")
    def test_life_in_json(self) -> None:
        self.life(JSON)
