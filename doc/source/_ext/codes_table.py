# SPDX-License-Identifier: Apache-2.0
"""The directive ``voms-codes``: a table of every reason for a refusal.

Owns how ``keystone_voms_ext.voms.codes.CODES`` is shown, and the titles of the
rules. It must never hold a code of its own, nor put a text of the code through
the parser: a ``|`` or ``*`` in a mend is that sign. Read ``VomsCodes`` first.
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive

from keystone_voms_ext.voms import codes

TITLES = {
    1: "Sizes and counts",
    2: "Well-formed PEM and strict DER",
    3: "The frame of a certificate",
    4: "Algorithms, keys and signatures",
    5: "The path, from the CA directory alone",
    6: "Dates and issuers",
    7: "Revocation",
    8: "What a CA may sign",
    9: "The user's own certificate",
    10: "Proxies",
    11: "What a proxy may be for",
    12: "Which attribute certificate (AC) counts",
    13: "Which VOs are known",
    14: "Whom the AC is for",
    15: "The AC's issuer, serial and times",
    16: "The VO and the server that the AC names",
    17: "FQANs",
    18: "The AC's extensions",
    19: "The AC's targets",
    20: "Who may sign for the VO",
    21: "The AC's signer and signature",
    22: "The DN as a string",
}
COLUMNS = (("Code", 24), ("Standard", 16), ("What must hold", 30), ("Mend", 30))


class VomsCodes(Directive):
    """``.. voms-codes::`` - one row a code, under a row with its rule's title."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        # The page is built again when the codes change, not only when it does.
        self.state.document.settings.record_dependencies.add(codes.__file__)
        group = nodes.tgroup(cols=len(COLUMNS))
        group += [nodes.colspec(colwidth=width) for _, width in COLUMNS]
        heads = [_entry(nodes.Text(title)) for title, _ in COLUMNS]
        group += nodes.thead("", nodes.row("", *heads))
        body = nodes.tbody()
        for rule in sorted({code.rule for code in codes.CODES.values()}):
            body += _rule_row(rule)
            body += [
                _code_row(name, code)
                for name, code in codes.CODES.items()
                if code.rule == rule
            ]
        group += body
        return [nodes.table("", group, classes=["colwidths-given"])]


def _rule_row(rule: int) -> nodes.row:
    title = f"Rule {rule}: {TITLES[rule]}" if rule in TITLES else f"Rule {rule}"
    entry = _entry(nodes.strong("", title))
    entry["morecols"] = len(COLUMNS) - 1
    return nodes.row("", entry)


def _code_row(name: str, code: codes.Code) -> nodes.row:
    row = nodes.row(
        "",
        _entry(nodes.literal("", name)),
        _entry(nodes.Text(code.spec or "a limit of this program")),
        _entry(nodes.Text(code.holds)),
        _entry(nodes.Text(code.mend)),
    )
    # So that a ticket can point at one code: voms-trust.html#code-crl-expired
    row["ids"] = [nodes.make_id(f"code-{name}")]
    return row


def _entry(child: nodes.Node) -> nodes.entry:
    # Sphinx would make one dash of the two before an option's name.
    return nodes.entry("", nodes.paragraph("", "", child, support_smartquotes=False))


def setup(app: Any) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    app.add_directive("voms-codes", VomsCodes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
