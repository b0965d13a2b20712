# SPDX-License-Identifier: Apache-2.0
"""What the tests have in common: who asks, what a refusal may say, how to wait.

Owns: the way from tempest.conf to clients, and the removal of what was made. Must
never: leave a test out that the configuration asks for; a missing file is a failure.
Read first: FedcloudTest.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tempest import config, test
from tempest.lib import exceptions
from tempest.lib.common.utils import data_utils

from fedcloud_tempest_plugin.config import OFF, PROJECT_PER_USER
from fedcloud_tempest_plugin.doors import Doors, Token, token_of
from fedcloud_tempest_plugin.http import Answer, Http
from fedcloud_tempest_plugin.services import TEXT, Nova, Occi

CONF = config.CONF

# Places of the server, names of its files and of its users: for its log alone.
LEAKS = re.compile(
    r"Traceback|File \"|\.py\b|/etc/|/usr/|/var/|vomsdir|voms\.json|\bLSC\b|CN="
)
# The log has a code for each reason, such as ac_expired.
CODE = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
LONGEST_REFUSAL = 300


class FedcloudTest(test.BaseTestCase):
    """A test that speaks to Keystone by a proxy certificate."""

    credentials: list[Any] = []
    http: Http
    doors: Doors

    @classmethod
    def setup_clients(cls) -> None:
        super().setup_clients()
        conf = CONF.fedcloud
        cls.http = Http(
            ca_file=conf.ca_file or CONF.identity.ca_certificates_file or "",
            timeout_seconds=conf.http_timeout,
        )
        cls.doors = Doors(
            http=cls.http,
            url=(conf.auth_url or CONF.identity.uri_v3).rstrip("/"),
            identity_provider=conf.identity_provider,
            protocol=conf.protocol,
            domain=conf.project_domain,
        )

    @classmethod
    def proxy(cls, option: str) -> str:
        """Return the file of an option; one that is needed or missing is an error."""
        found = str(CONF.fedcloud[option])
        if not found or not Path(found).is_file():
            raise exceptions.InvalidConfiguration(
                f"[fedcloud] {option} in tempest.conf is {found!r}, which is no file. "
                "Set it to a proxy file, as its help says."
            )
        return found

    def optional(self, option: str) -> str:
        """Return the value of an option that may be empty; then the test is skipped."""
        if not CONF.fedcloud[option]:
            raise self.skipException(f"[fedcloud] {option} is empty")
        if option.endswith("_proxy"):
            return self.proxy(option)
        return str(CONF.fedcloud[option])

    @classmethod
    def project(cls) -> str:
        """Return the name of the VO's project; an error without one."""
        if not CONF.fedcloud.project:
            raise exceptions.InvalidConfiguration(
                "[fedcloud] project in tempest.conf is empty. Set it to the project "
                "that the site's mapping gives to the VO."
            )
        return str(CONF.fedcloud.project)

    @classmethod
    def at_home(cls, option: str) -> Token:
        """Return a user's token for the project that it starts machines in."""
        proxy, project = cls.proxy(option), cls.project()
        if CONF.fedcloud.isolation == PROJECT_PER_USER:
            # The first login makes the project.
            answer = cls.doors.projects(token_of(cls.doors.native(proxy)).id)
            names = {one["name"] for one in answer.document["projects"]} - {project}
            if len(names) != 1:
                raise exceptions.InvalidConfiguration(
                    f"The user of [fedcloud] {option} has the projects "
                    f"{sorted(names)} beside {project}, where isolation = "
                    f"{PROJECT_PER_USER} needs one. Use a proxy of one VO and group."
                )
            (project,) = names
        return token_of(cls.doors.native(proxy, project))

    @classmethod
    def nova(cls, token: Token) -> Nova:
        """Return Nova for the owner of a token, by the token's catalog."""
        url = token.endpoint("compute", CONF.compute.region or CONF.identity.region)
        return Nova(http=cls.http, url=url, token=token.id)

    @classmethod
    def occi(cls, token: Token, form: str = TEXT) -> Occi:
        """Return the OCCI interface for the owner of a token."""
        url = CONF.fedcloud.occi_endpoint.rstrip("/")
        return Occi(http=cls.http, url=url, token=token.id, format=form)

    @classmethod
    def unique(cls, word: str) -> str:
        """Return a name that nothing else has."""
        prefix = CONF.resource_name_prefix
        return str(data_utils.rand_name(f"fedcloud-{word}", prefix=prefix))

    @classmethod
    def until(cls, done: Callable[[], bool], what: str) -> None:
        """Return as soon as it is done; TimeoutException names what was waited for."""
        end = time.monotonic() + CONF.compute.build_timeout
        while not done():
            if time.monotonic() > end:
                raise exceptions.TimeoutException(
                    f"{what}: not within [compute] build_timeout = "
                    f"{CONF.compute.build_timeout} s"
                )
            time.sleep(CONF.compute.build_interval)

    @classmethod
    def server(cls, nova: Nova, word: str, **metadata: str) -> str:
        """Return the id of a new server that is active; it goes with the class."""
        answer = nova.create(
            cls.unique(word),
            image=CONF.compute.image_ref,
            flavor=CONF.compute.flavor_ref,
            network=CONF.fedcloud.network,
            metadata=metadata,
        )
        if answer.status != 202:
            raise exceptions.BuildErrorException(
                f"Nova answered {answer.status} to a new server: {answer.text[:300]}"
            )
        found = str(answer.document["server"]["id"])
        cls.addClassResourceCleanup(cls.removed, nova, found)
        cls.wait_for_server(nova, found)
        return found

    @classmethod
    def wait_for_server(cls, nova: Nova, server: str) -> None:
        """Return when a server is active and nothing goes on with it."""

        def ready() -> bool:
            seen = nova.send("GET", f"/servers/{server}").document["server"]
            if seen["status"] == "ERROR":
                raise exceptions.BuildErrorException(
                    f"Server {server} is in ERROR: {seen.get('fault')}"
                )
            return seen["status"] == "ACTIVE" and not seen["OS-EXT-STS:task_state"]

        cls.until(ready, f"server {server} is active")

    @classmethod
    def removed(cls, nova: Nova, server: str) -> None:
        """Delete a server, and return when it is gone."""
        path = f"/servers/{server}"
        nova.send("DELETE", path)
        cls.until(lambda: nova.send("GET", path).status == 404, f"{path} is gone")

    def assert_tells_nothing(self, answer: Answer) -> None:
        """Assert that a refusal is short and names nothing of the server's inside."""
        self.assertLess(len(answer.text), LONGEST_REFUSAL)
        self.assertNotRegex(answer.text, LEAKS)
        self.assertNotRegex(answer.text, CODE)


class OcciTest(FedcloudTest):
    """A test that needs the OCCI interface."""

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.fedcloud.occi_endpoint:
            raise cls.skipException("[fedcloud] occi_endpoint is empty")


class IsolationTest(FedcloudTest):
    """A test that needs users to be kept apart."""

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if CONF.fedcloud.isolation == OFF:
            raise cls.skipException(f"[fedcloud] isolation = {OFF}")
