# SPDX-License-Identifier: Apache-2.0
"""Each code that the isolation filters leave in a log stands on their page."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "doc/source/admin/isolation.rst"


def codes():
    """Return the codes in the source of the filters: each is a plain keyword."""
    found = set()
    for path in sorted((ROOT / "vo_policy_ext").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                if isinstance(node.value, ast.Constant):
                    found.add(node.value.value)
                else:
                    # Handed on: from a parameter, or from another refusal.
                    assert ast.unparse(node.value) in ("code", "error.code"), path
    return found


def test_the_page_has_each_code_once_and_nothing_old():
    cells = re.findall(r"^   \* - (``.+``)$", PAGE.read_text(encoding="utf-8"), re.M)
    told = [code for cell in cells for code in re.findall(r"``([a-z_]+)``", cell)]
    assert sorted(told) == sorted(codes())
