# SPDX-License-Identifier: Apache-2.0
"""All that a user's project holds, to compare and to clear away.

Owns: one look at every entity of OCCI and at what stands behind them, and the
end of what a test has left. Must never: touch what was there before the test.
Read `everything` and `tidy` first.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.functional.occi_endpoint import Occi
from tests.functional.occi_networks import delete
from tests.lab.lab import Lab

# Links go with what they join; machines let go of disks and networks.
ORDER = ("compute", "storage", "ipreservation", "securitygroup", "network")
LINKS = ("networkinterface", "storagelink", "securitygrouplink")
KINDS = (*ORDER, *LINKS)
# What has no URL of its own in OCCI, and would be left behind.
BEHIND = ("routers", "subnets", "ports", "floatingips", "security-groups")


def everything(occi: Occi) -> set[str]:
    """Return the URLs of all entities that the user sees."""
    answer = occi.send("GET", "/", Accept="text/uri-list")
    assert answer.status_code == 200, answer.text
    return set(answer.text.split())


def behind(occi: Occi, lab: Lab) -> set[str]:
    """Return the entities, and all of Nova's and Neutron's that stands behind them."""
    found = everything(occi)
    keys = occi.nova("GET", "/os-keypairs")["keypairs"]
    found |= {f"key {key['keypair']['name']}" for key in keys}
    for name in BEHIND:
        answer = requests.get(
            f"{lab.settings.url('neutron')}/v2.0/{name}?fields=id",
            headers={"X-Auth-Token": occi.token},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        items = answer.json()[name.replace("-", "_")]
        found |= {f"{name} {item['id']}" for item in items}
    return found


@contextmanager
def tidy(occi: Occi) -> Iterator[None]:
    """Delete what the block has made and left."""
    before = everything(occi)
    try:
        yield
    finally:
        left = everything(occi) - before
        for kind in ORDER:
            for url in left:
                if f"/{kind}/" in url:
                    delete(occi, url)
