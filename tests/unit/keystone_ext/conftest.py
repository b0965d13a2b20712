# SPDX-License-Identifier: Apache-2.0
"""An Apache of Debian's with the shipped site, to change one thing in.

Owns the files below a temporary directory; it must never read those of this host.
Read ``host`` first.
"""

import pytest

from keystone_voms_ext.checks import apache, apache_config
from tests.unit.keystone_ext import guide

SITE = guide.by_default(guide.APACHE)
SOCKET = "/run/keystone-voms/uwsgi.sock"


@pytest.fixture
def host(tmp_path):
    """Return a function that judges an Apache with some files changed."""
    cas = tmp_path / "certificates"
    cas.mkdir()

    def judge(site=SITE, *, files=(), sockets=(SOCKET,), **options):
        for name, text in {
            **guide.DEBIANS_APACHE,
            "sites-enabled/keystone-voms.conf": site,
            **dict(files),
        }.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.replace("/etc/grid-security", str(tmp_path)))
        found = apache.judged(
            apache_config.load(tmp_path / "apache2.conf"),
            apache.Site(
                **{
                    "ca_path": str(cas),
                    "crl_policy": "require",
                    "by_header": False,
                    "sockets": sockets,
                    **options,
                }
            ),
        )
        return [
            (level, text.replace(str(tmp_path), "/x"))
            for level, text in guide.faults(dict.fromkeys(found))
        ]

    return judge
