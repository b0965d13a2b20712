# SPDX-License-Identifier: Apache-2.0
"""What OCCI refuses, with which status, and that nothing was made of it.

Owns: requests that are wrong in one thing. Must never: leave a machine, should one of
them be taken after all. Read first: OcciRefusalTest.refused.
"""

import uuid
from typing import Any

from tempest import config
from tempest.lib import decorators

from fedcloud_tempest_plugin.http import Answer
from fedcloud_tempest_plugin.services import (
    COMPUTE,
    IMAGES,
    INFRASTRUCTURE,
    JSON,
    TEXT,
    URIS,
    Occi,
)
from fedcloud_tempest_plugin.tests.api import base

CONF = config.CONF
KIND = f'Category: compute; scheme="{INFRASTRUCTURE}"; class="kind"'


class OcciRefusalTest(base.OcciTest):
    """Requests of a user who may, that cannot be."""

    @classmethod
    def resource_setup(cls) -> None:
        super().resource_setup()
        cls.token = cls.at_home("user_proxy")

    def refused(
        self, status: int, method: str, path: str, body: Any = None, **headers: str
    ) -> Answer:
        """Return the answer, which has to be a refusal with that status."""
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        answer = self.occi(self.token).send(method, path, body, headers=names)
        if answer.status == 201:
            server = answer.headers["location"].rpartition("/")[2]
            self.addCleanup(self.removed, self.nova(self.token), server)
        what = f"{method} {path} {body!r}: {answer.text}"
        self.assertEqual(status, answer.status, what)
        self.assertNotRegex(answer.text, base.LEAKS, what)
        return answer

    @decorators.idempotent_id("b5d9e7f1-4a3c-4f80-8d26-c0e8a6b4f931")
    @decorators.attr(type=["smoke", "negative"])
    def test_format_that_is_not_had(self) -> None:
        self.refused(406, "GET", "/compute/", Accept="image/png")
        self.refused(406, "GET", "/-/", Accept="text/html")

    @decorators.idempotent_id("2c8f4a6e-d0b1-4975-a3e9-f7d5b9c1e064")
    @decorators.attr(type=["smoke", "negative"])
    def test_format_that_is_not_read(self) -> None:
        form = "application/x-www-form-urlencoded"
        self.refused(415, "POST", "/compute/", KIND, Content_Type=form)
        self.refused(415, "POST", "/compute/", "{}", Content_Type="application/json")

    @decorators.idempotent_id("e7a1c5b9-f6d3-4e02-9b84-a2d0f8e6c517")
    @decorators.attr(type="negative")
    def test_what_is_not_there(self) -> None:
        missing = f"/compute/{uuid.uuid4()}"
        self.refused(404, "GET", missing)
        self.refused(404, "DELETE", missing)
        self.refused(404, "GET", "/nothing")
        self.refused(404, "GET", "/compute/..%2Fflavors")
        self.assertEqual(404, self.occi(self.token).act(missing, "stop").status)

    @decorators.idempotent_id("49d3b7f5-c2e8-4160-8a7d-e6c4b0a8d293")
    @decorators.attr(type="negative")
    def test_method_that_a_place_has_not(self) -> None:
        answer = self.refused(405, "PUT", "/compute/", KIND, Content_Type=TEXT)
        self.assertIn("GET", answer.headers["allow"])

    @decorators.idempotent_id("93f5a1e7-b8d6-4c2b-9e40-d1b7f3c5a826")
    @decorators.attr(type="negative")
    def test_bodies_in_text(self) -> None:
        missing = uuid.uuid4()
        image = f'Category: {missing}; scheme="{IMAGES}"; class="mixin"'
        before = self.listed()
        for body in (
            "",
            "Category: compute",
            'Category: a; scheme="x',
            KIND,
            f"{KIND}\n{image}",
            f"{KIND}\nX-OCCI-Attribute: occi.compute.cores=many",
            b"\xff",
        ):
            self.refused(400, "POST", "/compute/", body, Content_Type=TEXT)
        self.assertEqual(before, self.listed())

    @decorators.idempotent_id("d6c0e8a4-1f7b-4b53-85d9-b9f1e7c3a640")
    @decorators.attr(type="negative")
    def test_bodies_in_json(self) -> None:
        before = self.listed()
        for body in ("", "{", "[]", "null", {}, {"kind": COMPUTE}, {"kind": 1}):
            self.refused(400, "POST", "/compute/", body, Content_Type=JSON, Accept=JSON)
        self.assertEqual(before, self.listed())

    @decorators.idempotent_id("0a4e6c8b-5d9f-4738-b1a5-f8c6d2e0b971")
    @decorators.attr(type=["smoke", "negative"])
    def test_no_token_and_a_wrong_one(self) -> None:
        url = CONF.fedcloud.occi_endpoint.rstrip("/")
        for token in ("", "not-a-token"):
            stranger = Occi(http=self.http, url=url, token=token)
            for path in ("/-/", "/compute/"):
                answer = stranger.send("GET", path)
                self.assertEqual(401, answer.status, answer.text)
                # Old clients find Keystone by it.
                self.assertIn("Keystone", answer.headers["www-authenticate"])
                self.assertNotIn("Category", answer.text)

    def listed(self) -> set[str]:
        """Return the URLs of the user's machines."""
        accept = {"Accept": URIS}
        answer = self.occi(self.token).send("GET", "/compute/", headers=accept)
        self.assertEqual(200, answer.status, answer.text)
        return set(answer.text.split())
