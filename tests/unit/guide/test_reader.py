# SPDX-License-Identifier: Apache-2.0
"""Every block of the install guide is followed, or is named with a reason.

The guide itself is read, and copies of it in which one thing is changed.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.guide import reader
from tests.guide.actions import Commands, File, GuideError
from tests.guide.ini import options

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "doc" / "source" / "install" / "index.rst").read_text("utf-8")
LINES = GUIDE.splitlines()
APACHE = reader.read(GUIDE, variant=reader.APACHE)
HAPROXY = reader.read(GUIDE, variant=reader.HAPROXY)
FILES = [one for one in {*APACHE, *HAPROXY} if isinstance(one, File)]
COMMANDS = [one for one in {*APACHE, *HAPROXY} if isinstance(one, Commands)]
SECONDS = 20


def changed(old, new):
    """Return the guide with its one occurrence of ``old`` replaced."""
    assert GUIDE.count(old) == 1, (old, GUIDE.count(old))
    return GUIDE.replace(old, new)


def blocks_by_their_looks():
    """Return the line of the first text of each block, found without docutils."""
    found = set()
    for number, line in enumerate(LINES):
        is_block = line.endswith("::") and not line.lstrip().startswith("..")
        if is_block or line.lstrip().startswith(".. code-block::"):
            behind = range(number + 1, len(LINES))
            texts = [n for n in behind if LINES[n].strip()]
            found.add(next(n + 1 for n in texts if not LINES[n].startswith("   :")))
    return found


def line_of(text):
    return LINES.index(text) + 1


def test_each_block_is_followed_in_some_variant_or_named_with_its_reason():
    followed = {one.line for one in (*APACHE, *HAPROXY)}
    named = {line_of(f"   {line}") for line in reader.NOT_FOLLOWED}
    assert followed | named == blocks_by_their_looks()
    assert not followed & named
    assert all(reason.strip() for reason in reader.NOT_FOLLOWED.values())


def test_the_line_of_an_action_is_that_of_its_first_word():
    for one in (*APACHE, *HAPROXY):
        assert LINES[one.line - 1].strip() == one.text.partition("\n")[0].strip()


def test_haproxys_part_stands_in_the_place_of_apaches_and_the_rest_is_the_same():
    parts = (reader.APACHES_PART, reader.HAPROXYS_PART)
    without = [
        [one for one in actions if one.section not in parts]
        for actions in (APACHE, HAPROXY)
    ]
    assert without[0] == without[1]
    for actions, own, others in ((APACHE, *parts), (HAPROXY, *reversed(parts))):
        sections = [one.section for one in actions]
        assert own in sections and others not in sections
        first = sections.index(own)
        last = first + sections.count(own)
        assert set(sections[first:last]) == {own}
        assert sections[first - 1] == "6. Keystone behind the pipeline"
        assert sections[last] == "7. The TLS server / Check"
    assert [one.line for one in APACHE] == sorted(one.line for one in APACHE)


def test_what_is_printed_is_what_a_person_would_type():
    (rules,) = [one for one in COMMANDS if one.text.startswith("cat > rules.json")]
    assert rules.text.endswith("--mapping egi.eu mapped\n")
    (projects,) = [one for one in FILES if one.path == "/etc/keystone/voms.json"]
    assert not projects.merge
    assert json.loads(projects.text)["ops"] == {"project": "ops"}
    (voms, trusted) = sorted(
        (one for one in FILES if one.path == "/etc/keystone/keystone.conf"),
        key=lambda one: one.line,
    )
    assert voms.merge and trusted.merge
    assert ("auth", "token", "voms") in options(voms.text)
    assert options(trusted.text) == (("voms", "trusted_header_peers", "unix"),)


def test_the_table_says_what_belongs_into_the_file_of_each_service():
    rows = {
        one.path: {(section, name) for section, name, _ in options(one.text)}
        for one in APACHE
        if isinstance(one, File) and one.section == "9. The other services"
    }
    assert len(rows) == 5
    for found in rows.values():
        assert ("keystone_authtoken", "www_authenticate_uri") in found
        assert ("oslo_middleware", "enable_proxy_headers_parsing") in found
    nova, glance = rows["/etc/nova/nova.conf"], rows["/etc/glance/glance-api.conf"]
    assert ("placement", "auth_url") in nova and ("placement", "cafile") in nova
    assert ("glance", "cafile") in nova and ("glance", "auth_url") not in nova
    assert ("nova", "cafile") in rows["/etc/cinder/cinder.conf"]
    assert ("DEFAULT", "glance_ca_certificates_file") in rows["/etc/cinder/cinder.conf"]
    assert {section for section, _ in glance} == {
        "keystone_authtoken",
        "oslo_middleware",
    }


@pytest.mark.parametrize("one", COMMANDS, ids=lambda one: str(one.line))
def test_commands_are_bash_and_name_files_of_the_project_that_exist(one):
    subprocess.run(
        ["bash", "-n"], input=one.text, text=True, check=True, timeout=SECONDS
    )
    for word in re.findall(r"(?<=\s)(?:deploy|paste|policy)/\S+", one.text):
        assert (ROOT / word).is_file(), word


CHANGES = [
    ("   :caption: /etc/keystone/voms.json\n", "", "nothing tells what to do"),
    (":caption: /etc/keystone/voms.json", ":caption: voms.json", "nothing tells what"),
    ("in each file of the table", "in all of them", "nothing tells what to do"),
    (
        "5. Projects and voms.json\n=========================\n",
        "5. Projects and voms.json\n=========================\n\n"
        ".. code-block:: ini\n\n   [x]\n   y = z\n",
        "nothing tells what to do",
    ),
    (
        "   install -m 644 deploy/apache/keystone-voms.conf",
        "   install -m 644 deploy/apache/occi.conf",
        "deploy/apache/keystone-voms.conf is shown, and no command",
    ),
    (
        "allow-proxy-certs.so deploy/haproxy/allow-proxy-certs.c",
        "allow-proxy-certs.so allow-proxy-certs.c",
        "deploy/haproxy/allow-proxy-certs.c is shown, and no command",
    ),
    (
        ":caption: deploy/uwsgi/keystone-voms.ini",
        ":caption: deploy/uwsgi/ooi.ini",
        "has to be its path",
    ),
    ("\nApache\n------\n", "\nThe usual one\n-------------\n", "has no block in the"),
    (
        "\nHAProxy in place of Apache\n==========================\n",
        "\nHAProxy\n=======\n",
        "has no block in the",
    ),
    (
        "python3 -m venv --system-site-packages /opt/fedcloud-openstack",
        "python3 -m venv /opt/other",
        "with which 0 blocks of the guide begin",
    ),
    ("``/etc/placement/placement.conf``", "Placement's file", "no table of files"),
    ("``[glance] cafile``", "``glance``", "no table of files"),
    ("services\n=====================\n", "services\n=====\n", "Mend the markup"),
    ("Port 35357 is gone", "Port *35357 is gone", "Mend the markup"),
    ("Port 35357 is gone", ".. code:: ini\n\n   x = y\n\nPort", "knows no block"),
    ("Port 35357 is gone", ">>> 1 + 1\n2\n\nPort", "knows no block of the kind doct"),
    ("Port 35357 is gone", ".. include:: x.rst\n\nPort", "Mend the markup"),
    ("Port 35357 is gone", ".. sourcecode:: sh\n\n   ls\n\nPort", "knows no bl"),
    ("Port 35357 is gone", ".. code-block:: ini\n\nPort", "Mend the markup"),
]


@pytest.mark.parametrize(("old", "new", "told"), CHANGES)
@pytest.mark.parametrize("variant", reader.VARIANTS)
def test_a_guide_that_leaves_something_open_is_refused(old, new, told, variant):
    with pytest.raises(GuideError, match=re.escape(told)) as caught:
        reader.read(changed(old, new), variant=variant)
    assert str(caught.value).endswith(".")


def test_a_table_that_no_block_belongs_to_is_refused():
    table = "\n=======  =====\nfile     value\n=======  =====\n``/a``   ``b``\n"
    table += "=======  =====\n\n"
    with pytest.raises(GuideError, match="no block of '8. The catalog' has the capt"):
        reader.read(
            changed("Port 35357 is", f"{table}Port 35357 is"), variant=reader.APACHE
        )


def test_a_second_table_beside_the_first_is_refused():
    table = "\n=======  =====\nfile     value\n=======  =====\n``/a``   ``b``\n"
    table += "=======  =====\n\n"
    text = changed("In any other service", f"{table}In any other service")
    with pytest.raises(GuideError, match="has no table of files"):
        reader.read(text, variant=reader.APACHE)


def test_a_variant_that_does_not_exist_is_refused():
    with pytest.raises(GuideError, match="no variant 'nginx'"):
        reader.read(GUIDE, variant="nginx")


def heads():
    """Return the numbers of the lines below each title of a section."""
    marks = [n for n, line in enumerate(LINES) if re.fullmatch(r"[=-]{3,}", line)]
    return [n + 1 for n in marks if len(LINES[n - 1]) == len(LINES[n]) and n > 6]


@pytest.mark.parametrize("place", heads())
@pytest.mark.parametrize(
    "block",
    [
        "Do::\n\n   echo new\n",
        ".. code-block:: ini\n   :caption: in /etc/new\n\n   [new]\n   new = 1\n",
    ],
)
def test_a_block_that_is_added_anywhere_is_followed(place, block):
    text = "\n".join([*LINES[:place], "", block, *LINES[place:], ""])
    before = {(one.line, one.text) for one in (*APACHE, *HAPROXY)}
    found = [
        one for variant in reader.VARIANTS for one in reader.read(text, variant=variant)
    ]
    new = {one for one in found if "new" in one.text.splitlines()[0]}
    assert len(new) == 1
    (one,) = new
    assert text.splitlines()[one.line - 1].strip() == one.text.splitlines()[0]
    assert {one.text for one in found} == {text for _, text in before} | {one.text}
