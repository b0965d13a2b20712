# SPDX-License-Identifier: Apache-2.0
"""The HTTP of OCCI, written down request by request in gabbits/*.yaml.

Each file is a sequence for one family of kinds in one rendering, to be read as
a specification. Owns: what the files find in the environment. Must never: hold
a request itself. Read gabbits/compute-plain.yaml, then `test_http`.
"""

import re
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from gabbi import driver

from tests.functional import occi_networks
from tests.functional.occi_endpoint import Occi
from tests.functional.occi_everything import tidy
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask

PLACE = Path(__file__).parent / "gabbits"
FILES = sorted(path.stem for path in PLACE.glob("*.yaml"))


@pytest.fixture
def occi(lab_env: dict[str, str], token_for: Callable[[str], str]) -> Iterator[Occi]:
    found = occi_networks.user(lab_env, token_for("alice"))
    with tidy(found):
        yield found


@pytest.fixture
def environment(
    occi: Occi, lab: Lab, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set what the files name by $ENVIRON."""
    offered = occi.send("GET", "/-/").text
    (larger,) = re.findall(
        rf'^Category: (\S+); scheme="{ask.SIZE}"; class="mixin"; '
        r'title="Flavor: m1\.small"',
        offered,
        re.M,
    )
    neutron = f"{lab.settings.url('neutron')}/v2.0/networks?name=private"
    headers = {"X-Auth-Token": occi.token}
    (private,) = requests.get(neutron, headers=headers, timeout=60).json()["networks"]
    for name, value in {
        "TOKEN": occi.token,
        "IMAGE": occi.image,
        "FLAVOR": occi.flavor,
        "LARGER": larger,
        "PRIVATE": private["id"],
        "UNIQUE": unique,
        "KEY": ask.KEY,
        "SCRIPT": ask.SCRIPT,
    }.items():
        monkeypatch.setenv(f"OCCI_{name}", value)


@pytest.fixture(scope="module")
def suites(lab_env: dict[str, str]) -> dict[str, unittest.TestSuite]:
    """Return the tests of each file, in their order."""
    found = driver.build_tests(
        str(PLACE),
        unittest.TestLoader(),
        url=lab_env["OCCI_ENDPOINT"],
        test_loader_name="gabbits",
        # There is no TLS, and each request would read all CAs of the system.
        cert_validate=False,
    )
    return {type(next(iter(tests))).test_base_name: tests for tests in found}


@pytest.mark.parametrize("name", FILES)
def test_http(
    name: str, suites: dict[str, unittest.TestSuite], environment: None
) -> None:
    result = unittest.TestResult()
    tests = suites[name]
    wanted = tests.countTestCases()
    tests.run(result)
    # A request that goes wrong spoils those after it: the first says what.
    for test, trace in (*result.errors, *result.failures):
        pytest.fail(f"{type(test).__name__}\n{trace}", pytrace=False)
    assert (result.testsRun, result.skipped) == (wanted, [])
