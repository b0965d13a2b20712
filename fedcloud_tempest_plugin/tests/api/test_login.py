# SPDX-License-Identifier: Apache-2.0
"""A user of the VO logs in by each door, and gets what the proxy is worth.

Owns: logins that succeed. Must never: look at a log; a site's is out of reach. Read
first: LoginTest.
"""

from tempest import config
from tempest.lib import decorators

from fedcloud_tempest_plugin.doors import end_of, time_of, token_of
from fedcloud_tempest_plugin.tests.api import base

CONF = config.CONF


class LoginTest(base.FedcloudTest):
    """The method voms of Keystone's own API, and the federated login."""

    @decorators.idempotent_id("0c3a5d57-6d1b-4a86-9b8e-6a4b8f0f4f71")
    @decorators.attr(type="smoke")
    def test_native_login_without_scope(self) -> None:
        proxy = self.proxy("user_proxy")
        token = token_of(self.doors.native(proxy))
        self.assertEqual(["voms"], token.body["methods"])
        self.assertEqual("", token.project_id)
        listed = self.doors.projects(token.id)
        self.assertEqual(200, listed.status)
        self.assertNotEmpty(listed.document["projects"])

    @decorators.idempotent_id("5d2c8c0b-7f1e-4f0d-8c37-3f1f2bb4d9a2")
    @decorators.attr(type="smoke")
    def test_native_login_for_a_project(self) -> None:
        token = self.at_home("user_proxy")
        self.assertNotEmpty(token.body["roles"])
        self.assertNotIn("admin", [role["name"] for role in token.body["roles"]])
        answer = self.nova(token).send("GET", "/servers")
        self.assertEqual(200, answer.status, answer.text)

    @decorators.idempotent_id("a1c5b9d6-40f6-4a3c-b1a8-2d3b9be76c0e")
    @decorators.attr(type="smoke")
    def test_federated_login(self) -> None:
        proxy = self.proxy("user_proxy")
        native = token_of(self.doors.native(proxy))
        for method in ("POST", "GET"):
            token = token_of(self.doors.federated(proxy, method))
            self.assertEqual(native.user_id, token.user_id)
            self.assertEqual(native.user_name, token.user_name)
            self.assertLessEqual(token.expires_at, end_of(proxy))

    @decorators.idempotent_id("e2f1e1d4-54f5-4f8b-a3c2-84d0d4a5b613")
    def test_federated_token_for_a_project_keeps_its_end(self) -> None:
        home = self.at_home("user_proxy")
        unscoped = token_of(self.doors.federated(self.proxy("user_proxy")))
        name = home.body["project"]["name"]
        token = token_of(self.doors.exchanged(unscoped.id, name))
        self.assertEqual(home.project_id, token.project_id)
        self.assertEqual(unscoped.expires_at, token.expires_at)

    @decorators.idempotent_id("3f6fd3d5-8b27-4f76-9bd7-d0b7ad1f2b40")
    def test_token_ends_with_the_proxy(self) -> None:
        end = end_of(self.proxy("user_proxy"))
        for token in (
            token_of(self.doors.native(self.proxy("user_proxy"))),
            self.at_home("user_proxy"),
        ):
            self.assertLessEqual(token.expires_at, end)
            seen = token_of(self.doors.described(token.id))
            self.assertEqual(token.expires_at, seen.expires_at)

    @decorators.idempotent_id("bb1d7a0c-f7d5-4a47-9d4e-2a8b6b3f5ce9")
    def test_two_users_are_two(self) -> None:
        user = token_of(self.doors.native(self.proxy("user_proxy")))
        other = token_of(self.doors.native(self.proxy("other_user_proxy")))
        self.assertNotEqual(user.user_id, other.user_id)
        self.assertNotEqual(user.user_name, other.user_name)

    @decorators.idempotent_id("cf0f7c0e-3f6c-4d07-9c3c-5a4c91b8d2f7")
    def test_password_login_goes_on_at_the_same_door(self) -> None:
        # A wrong one: refused by Keystone's own rule, in Keystone's own words.
        answer = self.doors.by_password("nobody", "wrong")
        self.assertEqual(401, answer.status, answer.text)
        self.assertNotIn("VOMS", answer.text)


class OldLoginTest(base.FedcloudTest):
    """The v2.0 requests of clients that know nothing else."""

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.fedcloud.v2:
            raise cls.skipException("[fedcloud] v2 = false")

    @decorators.idempotent_id("6a0df9a3-1a4c-4d5c-8c0c-6a8d6d9c1b35")
    @decorators.attr(type="smoke")
    def test_login_as_old_clients_do(self) -> None:
        proxy, home = self.proxy("user_proxy"), self.at_home("user_proxy")
        answer = self.doors.v2(proxy)
        self.assertEqual(200, answer.status, answer.text)
        access = answer.document["access"]
        tenants = self.doors.tenants(access["token"]["id"])
        self.assertEqual(200, tenants.status, tenants.text)
        found = {one["name"]: one["id"] for one in tenants.document["tenants"]}
        name = home.body["project"]["name"]
        self.assertEqual(home.project_id, found[name])

        answer = self.doors.v2(proxy, name)
        self.assertEqual(200, answer.status, answer.text)
        access = answer.document["access"]
        self.assertEqual(home.user_id, access["user"]["id"])
        self.assertEqual(home.project_id, access["token"]["tenant"]["id"])
        self.assertIn("compute", [one["type"] for one in access["serviceCatalog"]])

    @decorators.idempotent_id("d4b1d7f8-2b0e-4c4a-bd32-7b1f6ec5a0d4")
    def test_token_is_one_of_v3_and_ends_with_the_proxy(self) -> None:
        proxy = self.proxy("user_proxy")
        access = self.doors.v2(proxy).document["access"]
        end = time_of(access["token"]["expires"])
        self.assertLessEqual(end, end_of(proxy))
        seen = token_of(self.doors.described(access["token"]["id"]))
        self.assertEqual(end, seen.expires_at.replace(microsecond=end.microsecond))
