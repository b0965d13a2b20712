# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of the VOMS core: a site on disk, and `refused`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from keystone_voms_ext.voms.errors import CredentialRefused
from tests.unit.voms.site import Site

Refused = Callable[..., CredentialRefused]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a good site; a test changes its files before it validates."""
    return Site(root=tmp_path)


@pytest.fixture
def refused(site: Site) -> Refused:
    """Return a function that validates, wants a refusal with a code, returns it."""

    def check(code: str, chain: object, **options: object) -> CredentialRefused:
        with pytest.raises(CredentialRefused) as caught:
            site.validate(chain, **options)
        assert caught.value.code == code, str(caught.value)
        return caught.value

    return check
