# SPDX-License-Identifier: Apache-2.0
"""What is spoiled on the guide's site: that a spoiled thing must be found and named."""

import re
from dataclasses import replace

import pytest

from tests.guide import spoiled
from tests.guide.actions import GuideError
from tests.guide.reader import APACHE, VARIANTS
from tests.guide.world import SOURCE

SHIPPED = {
    spoiled.VHOST: "deploy/apache/keystone-voms.conf",
    spoiled.UWSGI: "deploy/uwsgi/keystone-voms.ini",
    spoiled.PROXY: "deploy/haproxy/keystone-voms.cfg",
}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a file with one line, and the one thing that can be spoiled in it."""
    file = tmp_path / "uwsgi.ini"
    file.write_text("buffer-size = 65535\n")
    one = spoiled.Spoiled(file=str(file), old="65535", new="4096", says="too small")
    monkeypatch.setattr(spoiled, "SPOILED", (one,))
    return file


def looks_at(file, *, says="too small", status=2):
    """Return what stands for a command that finds the small buffer."""

    def run(command):
        return (status, says) if "4096" in file.read_text() else (1, "a warning")

    return run


def test_what_is_found_is_counted_and_put_back(site):
    assert spoiled.look(APACHE, looks_at(site)) == 1
    assert site.read_text() == "buffer-size = 65535\n"


@pytest.mark.parametrize("kind", [{"says": "something else"}, {"status": 1}])
def test_what_is_not_found_is_an_error(site, kind):
    with pytest.raises(GuideError, match="did not say 'too small'"):
        spoiled.look(APACHE, looks_at(site, **kind))
    assert site.read_text() == "buffer-size = 65535\n"


def test_what_the_sound_site_says_too_proves_nothing(site):
    with pytest.raises(GuideError, match="of the sound site too"):
        spoiled.look(APACHE, lambda command: (2, "too small"))


def test_nothing_to_spoil_is_an_error(site, monkeypatch):
    (one,) = spoiled.SPOILED
    monkeypatch.setattr(spoiled, "SPOILED", (replace(one, old="absent"),))
    with pytest.raises(GuideError, match="nothing like 'absent'"):
        spoiled.look(APACHE, looks_at(site))


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_kind_of_fault_is_tried(variant):
    tried = " ".join(one.says for one in spoiled.SPOILED if variant in one.variants)
    for word in ("ickets", "buffer-size", "OCCI", "authtoken", "/etc/"):
        assert word in tried


@pytest.mark.parametrize("one", [s for s in spoiled.SPOILED if s.file in SHIPPED])
def test_the_shipped_files_have_what_is_spoiled(one):
    assert re.search(one.old, (SOURCE / SHIPPED[one.file]).read_text())
