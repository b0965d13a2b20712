# SPDX-License-Identifier: Apache-2.0
"""The one string form of a DN against OpenSSL's own, and the string types."""

from __future__ import annotations

import re
import unicodedata

from cryptography.hazmat.primitives import serialization
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.names import SHORT_NAMES, Name
from tests.grid.certs import name as plain_name
from tests.properties.openssl import oneline
from tests.properties.strategies import STEADY, changed
from tests.unit.voms.site import ALICE
from tests.unit.voms.surgery import name_der

# Control, format and surrogate characters, and what ends a line or paragraph.
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
UNKNOWN = ["1.2.3.4", "2.999.1", "1.3.6.1.4.1.8005.1"]
COMPARED = {*SHORT_NAMES, *UNKNOWN}
KINDS = st.sampled_from(sorted(SHORT_NAMES)) | st.sampled_from(UNKNOWN)
CODECS = {
    0x0C: "utf-8",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
# How a value that cannot be read names its own type in `Name.rdns`.
TAGS = {f"{tag:02x}" for tag in CODECS}
ATTRIBUTES = st.tuples(KINDS, st.sampled_from(sorted(CODECS)), st.binary(max_size=12))
NAMES = st.lists(
    st.lists(ATTRIBUTES, min_size=1, max_size=3), min_size=1, max_size=4
).map(lambda rdns: name_der(*rdns))


GOOD = name_der(
    [("2.5.4.10", 0x13, b"Example")],
    [("2.5.4.3", 0x0C, b"a/b+c=d"), ("2.5.4.5", 0x13, b"7")],
    [("1.2.840.113549.1.9.1", 0x16, b"a@example.org")],
)


def is_of_strings(name: Name) -> bool:
    """Tell whether all values have one of the string types above."""
    texts = (text for rdn in name.rdns for _, text in rdn)
    return not any(text[:1] == "\0" and text[1:3] not in TAGS for text in texts)


def test_the_one_line_is_that_of_openssl() -> None:
    compared = 0

    @settings(STEADY, max_examples=600)
    @given(NAMES | changed([GOOD]))
    @example(GOOD)
    def holds(encoded: bytes) -> None:
        nonlocal compared
        try:
            ours = Name.from_der(der.whole(encoded))
        except der.DerError:
            return
        theirs = oneline(encoded)
        # OpenSSL shows the header too of a value that is no string at all, has
        # names for types that no certificate uses, and cuts very long ones.
        kinds = {kind for rdn in ours.rdns for kind, _ in rdn}
        if theirs is not None and is_of_strings(ours) and kinds <= COMPARED:
            compared += 1
            assert ours.oneline == theirs

    holds()
    assert compared > 100


def test_openssl_reads_a_plain_name() -> None:
    encoded = plain_name(ALICE).public_bytes(serialization.Encoding.DER)
    assert oneline(encoded) == ALICE == Name.from_der(der.whole(encoded)).oneline


@STEADY
@given(st.sampled_from(sorted(CODECS)), st.text(st.characters(codec="utf-8")))
def test_each_string_type_is_read_as_what_it_is(tag: int, text: str) -> None:
    octets = text.encode(CODECS[tag], "ignore")
    wanted = octets.decode(CODECS[tag])
    encoded = name_der([("2.5.4.3", tag, octets)])
    assert Name.from_der(der.whole(encoded)).last_value == wanted


@STEADY
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_what_is_no_problem_can_be_printed_and_told_apart(text: str) -> None:
    name = Name.from_der(der.whole(name_der([("2.5.4.3", 0x0C, text.encode())])))
    hidden = {unicodedata.category(letter) for letter in text} & HIDDEN
    looks_like_two = re.search(r"[/+][A-Za-z0-9.-]+=", text)
    looks_escaped = re.search(r"\\(x[0-9A-Fa-f]{2}|/|\+|$)", text)
    assert (name.problem is None) == (not (hidden or looks_like_two or looks_escaped))
