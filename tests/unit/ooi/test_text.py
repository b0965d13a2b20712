# SPDX-License-Identifier: Apache-2.0
"""text/plain and text/occi: one table for both directions, then what is refused.

Any value there can be, in every rendering, is test_roundtrip's.
"""

import pytest

from ooi_ext.errors import BadRequest
from ooi_ext.model import Action, Attribute, Kind, Link, Message, Mixin
from ooi_ext.rendering import text

INFRA = "http://schemas.ogf.org/occi/infrastructure#"

# (what it means, the text of it): parsed and rendered by every test below.
TABLE = [
    (Message(), ""),
    (
        Message(categories=(Kind(scheme=INFRA, term="compute"),)),
        f'Category: compute; scheme="{INFRA}"; class="kind"',
    ),
    (
        Message(
            categories=(
                Kind(
                    scheme=INFRA,
                    term="compute",
                    title="A machine",
                    attributes=(
                        Attribute("a.b"),
                        Attribute("c", required=True),
                        Attribute("d", mutable=False),
                        Attribute("e", required=True, mutable=False),
                    ),
                    parent="http://x/core#resource",
                    actions=("http://x/a#start", "http://x/a#stop"),
                    location="/compute/",
                ),
                Mixin(scheme="http://x#", term="1.x_y", depends=("http://x#os_tpl",)),
                Action(scheme="http://x/a#", term="stop", title="Stop"),
            )
        ),
        f'Category: compute; scheme="{INFRA}"; class="kind"; title="A machine"; '
        'rel="http://x/core#resource"; location="/compute/"; '
        'attributes="a.b c{required} d{immutable} e{required immutable}"; '
        'actions="http://x/a#start http://x/a#stop"\n'
        'Category: 1.x_y; scheme="http://x#"; class="mixin"; rel="http://x#os_tpl"\n'
        'Category: stop; scheme="http://x/a#"; class="action"; title="Stop"',
    ),
    (
        Message(
            links=(
                Link("/c?action=stop", ("http://x/a#stop",)),
                Link(
                    "/network/1",
                    (f"{INFRA}network",),
                    self="/link/7",
                    category=(f"{INFRA}networkinterface", "http://x#ip"),
                    attributes=(("a.id", "7"), ("n", 1), ("f", True)),
                ),
            )
        ),
        'Link: </c?action=stop>; rel="http://x/a#stop"\n'
        f'Link: </network/1>; rel="{INFRA}network"; self="/link/7"; '
        f'category="{INFRA}networkinterface http://x#ip"; a.id="7"; n=1; f=true',
    ),
    (
        Message(
            attributes=(
                ("s", 'say "yes", \\ no; a=b'),
                ("lines", "one\ntwo\r\n\tthree"),
                ("i", -3),
                ("f", 0.5),
                ("big", 1e22),
                ("small", 1e-7),
                ("yes", True),
                ("no", False),
                ("u", "Zoë ✓"),
            )
        ),
        'X-OCCI-Attribute: s="say \\"yes\\", \\\\ no; a=b"\n'
        'X-OCCI-Attribute: lines="one\\ntwo\\r\\n\\tthree"\n'
        "X-OCCI-Attribute: i=-3\n"
        "X-OCCI-Attribute: f=0.5\n"
        "X-OCCI-Attribute: big=10000000000000000000000.0\n"
        "X-OCCI-Attribute: small=0.0000001\n"
        "X-OCCI-Attribute: yes=true\n"
        "X-OCCI-Attribute: no=false\n"
        'X-OCCI-Attribute: u="Zoë ✓"',
    ),
    (
        Message(locations=("http://x/compute/1", "/compute/2")),
        "X-OCCI-Location: http://x/compute/1\nX-OCCI-Location: /compute/2",
    ),
]


def headers(pairs: text.Headers) -> dict[str, str]:
    # As a WSGI server does: fields that stand twice are joined.
    joined: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined


def error(body: str | bytes) -> str:
    raw = body.encode() if isinstance(body, str) else body
    with pytest.raises(BadRequest) as raised:
        text.parse_plain(raw, {})
    return str(raised.value)


@pytest.mark.parametrize(("message", "body"), TABLE)
def test_plain_both_ways(message: Message, body: str) -> None:
    assert text.render_plain(message) == ((), body.encode())
    assert text.parse_plain(body.encode(), {}) == message


@pytest.mark.parametrize(("message", "body"), TABLE)
def test_headers_both_ways(message: Message, body: str) -> None:
    pairs, content = text.render_headers(message)
    assert content == b"OK"
    assert text.parse_headers(b"ignored", headers(pairs)) == message


# What clients write that we would write otherwise.
@pytest.mark.parametrize(
    ("body", "same"),
    [
        ('Category:compute;scheme="http://x#";class="kind"', None),
        ('category : compute ; scheme = "http://x#" ; class = kind;\r\n\r\n', None),
        ('CATEGORY: ,compute; class=kind; scheme="http://x#",,', None),
        ('Category: a;scheme="http://x#";class=mixin;rel="http://x#b http://x#c"', 2),
    ],
)
def test_the_freedom_of_writers(body: str, same: int | None) -> None:
    category = text.parse_plain(body.encode(), {}).categories[0]
    if same:
        assert isinstance(category, Mixin) and len(category.depends) == same
    else:
        assert category == Kind(scheme="http://x#", term="compute")


def test_ruby_quotes_what_needs_no_quote() -> None:
    line = rb'X-OCCI-Attribute: a="1 \#{x} \"q\" \\n \n"'
    assert text.parse_plain(line, {}).attributes == (("a", '1 #{x} "q" \\n \n'),)


def test_one_field_may_hold_many() -> None:
    message = text.parse_headers(b"", {"x-occi-attribute": 'a="1,2", b=3 ,c="x;y"'})
    assert message.attributes == (("a", "1,2"), ("b", 3), ("c", "x;y"))


def test_a_title_is_made_fit_for_clients() -> None:
    mixin = Mixin(scheme="http://x#", term="a", title='1"2;3\\4,5\r\n6\x00')
    rendered = text.render_plain(Message(categories=(mixin,)))[1]
    assert b'title="1 2 3 4 5 6"' in rendered
    assert rendered.count(b"\n") == 0


def test_control_characters_and_half_characters_do_not_get_out() -> None:
    attributes = (("a", "x\x00\x1b[31m\x7f\ud800y"),)
    assert text.render_plain(Message(attributes=attributes))[1] == (
        b'X-OCCI-Attribute: a="x??[31m??y"'
    )


def test_long_headers_are_cut_between_values() -> None:
    locations = tuple(f"http://cloud.example.org/compute/{n}" for n in range(900))
    pairs, _ = text.render_headers(Message(locations=locations))
    assert 1 < len(pairs) < 100
    assert max(len(value) for _, value in pairs) <= 4000
    assert text.parse_headers(b"", headers(pairs)).locations == locations


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("Category: compute", 'scheme="..." is missing'),
        ("Category: com pute;class=kind", '"com pute" is no term'),
        ('Category: a;scheme="http://x";class="kind"', '"http://x"'),
        ('Category: a;scheme=1;class="kind"', "scheme needs double quotes"),
        ('Category: a;scheme="http://x#"', "class"),
        ('Category: a;scheme="http://x#";class="thing"', "class"),
        ('Category: a;scheme="http://x#";class="kind";colour="red"', '"colour"'),
        ('Category: a;scheme="http://x#";scheme="http://x#"', '"scheme" stands twice'),
        ('Category: a;scheme="http://x#";class="kind";rel="b"', '"b" in rel'),
        ('Category: a;scheme="http://x#";class="kind";actions="b"', '"b" in actions'),
        ('Category: a;scheme="http://x#";class="kind";location="a b"', '"a b"'),
        ('Category: a;scheme="http://x#";class="kind";attributes="a{x}"', '"a{x}"'),
        ('Category: a;scheme="http://x#";class="kind";attributes="a b!c"', '"b!c"'),
        ('Category: a;scheme="http://x#";class="kind" x', "kind"),
        ('Category: a;"b"', "is not name=value"),
        ("Category: a;=b", "is not name=value"),
        ('Category: a;scheme="http://x#', "Malformed Category"),
        ("Link: /network/1", "it begins with"),
        ('Link: <a b>; rel="http://x#a"', "Malformed Link"),
        ("Link: <>;", "it begins with"),
        ("Link: </network/1>", "rel="),
        ('Link: </n>; rel="http://x#a"; self="a b"', '"a b"'),
        ("X-OCCI-Attribute: a", "name=value"),
        ('X-OCCI-Attribute: ="a"', "name=value"),
        ('X-OCCI-Attribute: a="b";c="d"', "name=value"),
        ('X-OCCI-Attribute: a="b" "c"', "a value is"),
        ("X-OCCI-Attribute: a=b", "a value is"),
        ("X-OCCI-Attribute: a=1e5", "a value is"),
        (f"X-OCCI-Attribute: a={'9' * 399}.0", "a value is"),
        (f"X-OCCI-Attribute: a={'9' * 401}", "a value is"),
        ('X-OCCI-Attribute: a="b\r"', "is not expected"),
        ('X-OCCI-Attribute: a="b', "is not expected"),
        ('X-OCCI-Attribute: a="b\nc"', '"c"" is no line'),
        ("X-OCCI-Location: a b", "one URI"),
        ("X-OCCI-Location: /a;b", "one URI"),
        ("Host: example.org", '"Host: example.org" is no line'),
        ("no colon", '"no colon" is no line'),
        (b"Category: \xff\xfe", "not UTF-8: b'\\xff' at byte 10"),
    ],
)
def test_malformed_text_is_named(body: str | bytes, named: str) -> None:
    assert named in error(body)


def test_headers_that_are_no_utf8_are_named() -> None:
    for value in ("\xff", "\u20ac"):
        with pytest.raises(BadRequest, match="The header Category is not UTF-8"):
            text.parse_headers(b"", {"category": value})


def test_an_error_is_one_short_line() -> None:
    line = error("X" * 100_000)
    assert len(line) < 400
    assert error("bad\x1b[2J\u202ething").isprintable()
