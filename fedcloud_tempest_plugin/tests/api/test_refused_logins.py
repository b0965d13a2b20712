# SPDX-License-Identifier: Apache-2.0
"""Who must not get in does not, by any door, and learns nothing from it.

Owns: refusals of logins. Must never: take a server that is down for one that
refuses; each test sees a good login too. Read first: RefusedLoginTest.refused.
"""

from pathlib import Path
from typing import Any

from tempest import config
from tempest.lib import decorators

from fedcloud_tempest_plugin.doors import FEDERATED, NATIVE, V2, token_of
from fedcloud_tempest_plugin.http import Answer, TlsRefusal
from fedcloud_tempest_plugin.tests.api import base

CONF = config.CONF


class RefusedLoginTest(base.FedcloudTest):
    """Credentials that are not worth a token."""

    def refused(self, proxy: str, *, by_tls: bool = False) -> None:
        """Assert that each door answers as it does to a client without a proxy.

        A chain that does not verify may be stopped `by_tls`, before there is an
        answer; one that verifies has to be answered.
        """
        doors = (NATIVE, FEDERATED, V2) if CONF.fedcloud.v2 else (NATIVE, FEDERATED)
        for door in doors:
            nothing = self.doors.open(door, "")
            self.assertEqual(401, nothing.status, nothing.text)
            self.assert_tells_nothing(nothing)
            try:
                answer = self.doors.open(door, proxy)
            except TlsRefusal:
                self.assertTrue(by_tls, f"{door}: no answer, but a closed connection")
            else:
                self.assertEqual(401, answer.status, answer.text)
                self.assertEqual(nothing.document, answer.document)
                self.assertNotIn("x-subject-token", answer.headers)
        token_of(self.doors.native(self.proxy("user_proxy")))

    @decorators.idempotent_id("7e7c7f0b-3a2f-4b1b-9b0a-1d9a0d7c6c5e")
    @decorators.attr(type=["smoke", "negative"])
    def test_no_certificate(self) -> None:
        self.refused("")

    @decorators.idempotent_id("2a2b49c1-0b7a-44e4-8a53-9d3e5f1d7a68")
    @decorators.attr(type="negative")
    def test_proxy_that_is_over(self) -> None:
        self.refused(self.optional("expired_proxy"), by_tls=True)

    @decorators.idempotent_id("f5d9b7c2-6c0a-45f1-8b6e-0f5a7b3c9d11")
    @decorators.attr(type="negative")
    def test_proxy_without_a_vo(self) -> None:
        self.refused(self.optional("plain_proxy"))

    @decorators.idempotent_id("91c0e3a5-2d87-4c9b-a0f2-5b6d8e7f4a23")
    @decorators.attr(type="negative")
    def test_vo_without_rights(self) -> None:
        self.refused(self.optional("unmapped_proxy"))

    @decorators.idempotent_id("48b3f6d0-9e1c-4f2a-8d75-c3a1b0e9f864")
    @decorators.attr(type="negative")
    def test_project_that_the_vo_has_no_rights_to(self) -> None:
        proxy = self.proxy("user_proxy")
        foreign = self.optional("foreign_project")
        answer = self.doors.native(proxy, foreign)
        self.assertEqual(401, answer.status, answer.text)
        self.assert_tells_nothing(answer)
        for token in (self.doors.federated(proxy), self.doors.native(proxy)):
            answer = self.doors.exchanged(token_of(token).id, foreign)
            self.assertIn(answer.status, (401, 403), answer.text)

    @decorators.idempotent_id("1b7e5d93-a0c6-4f48-b2d9-e8c4a6f0d375")
    @decorators.attr(type="negative")
    def test_whether_a_project_exists(self) -> None:
        foreign, missing = self.optional("foreign_project"), self.unique("no-project")
        for proxy in ("", self.proxy("user_proxy")):
            there = self.doors.native(proxy, foreign)
            nowhere = self.doors.native(proxy, missing)
            self.assertEqual(nowhere.status, there.status)
            self.assertEqual(nowhere.document, there.document)

    @decorators.idempotent_id("c7f2a9e4-1b5d-4e38-9f60-d8b7c6a5e312")
    @decorators.attr(type="negative")
    def test_headers_that_look_like_a_login(self) -> None:
        pem = Path(self.proxy("user_proxy")).read_text(encoding="ascii")
        one_line = pem.replace("\n", " ")
        certificates = ("SSL-Client-Cert", "X-SSL-Client-Cert", "Client-Cert")
        headers = {name: one_line for name in certificates}
        headers |= {"Remote-User": "admin", "VOMS-DN": "/CN=x", "X-Remote-User": "x"}
        body = {"auth": {"identity": {"methods": ["voms"], "voms": {}}}}
        url = f"{self.doors.url}/auth/tokens"
        answer = self.http.send("POST", url, body, headers=headers)
        self.assertEqual(401, answer.status, answer.text)
        self.assert_tells_nothing(answer)

    @decorators.idempotent_id("0d6b8c3f-7a94-4d15-b2e7-e9f1a3c5d786")
    @decorators.attr(type="negative")
    def test_bodies_that_are_no_login(self) -> None:
        proxy = self.proxy("user_proxy")
        bodies: tuple[Any, ...] = (
            {},
            {"auth": []},
            {"auth": {"identity": {"methods": ["voms"]}}},
            {"auth": {"identity": {"methods": ["no-such-method"]}}},
            "not json",
        )
        for body in bodies:
            answer = self.posted(proxy, body)
            self.assertIn(answer.status, (400, 401), f"{body}: {answer.text}")
            self.assertNotIn("x-subject-token", answer.headers)
            self.assertNotRegex(answer.text, base.LEAKS)

    @decorators.idempotent_id("86d4f2b0-e9a7-4c51-93b8-c5e1d7a3f964")
    @decorators.attr(type="negative")
    def test_body_that_names_another_user(self) -> None:
        other = token_of(self.doors.native(self.proxy("other_user_proxy")))
        claims = {"user": {"id": other.user_id}, "dn": other.user_name, "id": "x"}
        identity = {"methods": ["voms"], "voms": claims}
        answer = self.posted(self.proxy("user_proxy"), {"auth": {"identity": identity}})
        # The certificate alone says who it is, if such a body is taken at all.
        if answer.status == 201:
            user = token_of(self.doors.native(self.proxy("user_proxy")))
            self.assertEqual(user.user_id, token_of(answer).user_id)
        else:
            self.assertIn(answer.status, (400, 401), answer.text)

    def posted(self, proxy: str, body: Any) -> Answer:
        """Return the answer to a body, whatever it is, where tokens are asked for."""
        headers = {"Content-Type": "application/json"}
        url = f"{self.doors.url}/auth/tokens"
        return self.http.send("POST", url, body, headers=headers, proxy=proxy)
