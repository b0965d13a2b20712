# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the OCCI tests: the services once, a cloud for every test."""

from collections.abc import Iterator

import pytest

from tests.unit.ooi.cloud import IMAGE_ID, Cloud, Glance, glance


@pytest.fixture(scope="session")
def _glance() -> Iterator[Glance]:
    with glance() as service:
        yield service


@pytest.fixture
def cloud(_glance: Glance) -> Cloud:
    _glance.images({"id": IMAGE_ID, "name": "cirros"})
    _glance.tokens.clear()
    return Cloud(_glance)
