# SPDX-License-Identifier: Apache-2.0
"""Nova's own api-paste.ini, with our parts and without, and how it is read."""

import configparser
import sys
from pathlib import Path

from ooi_ext.paste_check import OK, check
from ooi_ext.paste_file import install

SNIPPETS = Path(__file__).resolve().parents[3] / "paste"
STOCK = (Path(sys.prefix) / "etc/nova/api-paste.ini").read_text()
INSTALLED = install(STOCK)
ISOLATED = install(STOCK, isolation=True)

V21 = "[composite:openstack_compute_api_v21]"
APP = "osapi_compute_app_v21"
OLD = "[filter:occi]\npaste.filter_factory = ooi.wsgi:OCCIMiddleware.factory\n"


def pipelines(text):
    found = configparser.RawConfigParser(strict=True)
    # As a file is read: each end of a line becomes the same.
    found.read_string(text.replace("\r\n", "\n").replace("\r", "\n"))
    return {
        name.partition(":")[2]: found[name]["keystone"].split()
        for name in found.sections()
        if found.has_option(name, "keystone")
    }


def bad(text, **wanted):
    return [f for f in check(text, **wanted) if f.verdict != OK]


def line_of(text, begin):
    (number,) = (
        n for n, line in enumerate(text.splitlines(), 1) if line.startswith(begin)
    )
    return number


def edited(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)
