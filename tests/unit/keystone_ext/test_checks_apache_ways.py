# SPDX-License-Identifier: Apache-2.0
"""By which ways of Apache Keystone is reached, and what holds on each."""

import pytest

from keystone_voms_ext.checks.finding import NOTE, WRONG
from tests.unit.keystone_ext import guide

SITE = guide.by_default(guide.APACHE)
SOCKET = "/run/keystone-voms/uwsgi.sock"
UPSTREAM = f'"unix:{SOCKET}|uwsgi://keystone-voms/"'


def test_a_socket_of_another_name_leads_to_keystone_by_uwsgis_file(host):
    site = SITE.replace(SOCKET, "/run/k.sock").replace("//keystone-voms", "//k")
    site = guide.changed(site, "SSLSessionTickets off", "").replace(":5000", ":8443")
    site = site.replace("keystone.example", "id.example")
    ((level, told),) = host(site, sockets=("/run/k.sock",))
    assert level == WRONG and "SSLSessionTickets" in told
    ((level, told),) = host(site)
    assert level == NOTE and "leads to Keystone: not checked" in told
    assert host(site, by_header=True) == []
    # Where none is known by a name, Keystone's port and its host's name are.
    for old, new in ((":8443", ":5000"), ("id.example", "keystone.example")):
        ((level, told),) = host(site.replace(old, new))
        assert level == WRONG and "SSLSessionTickets" in told
        assert len(host(site.replace(old, new), by_header=True)) == 0


def test_hosts_of_others_are_not_judged(host):
    other = "<VirtualHost *:443>\nSSLEngine on\nProxyPass / uwsgi://[::1]:9/\n"
    other += "ProxyPass /keystone !\n</VirtualHost>\n"
    assert host(files={"sites-enabled/horizon.conf": other}) == []


def test_a_second_door_without_certificates_is_a_note(host):
    other = "<VirtualHost *:8080>\nProxyPass / http://keystone:1/\n</VirtualHost>\n"
    ((level, told),) = host(files={"sites-enabled/z.conf": other})
    assert level == NOTE and told.startswith("/x/sites-enabled/z.conf, line 2: http:")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("from keystone_voms_ext.wsgi import application\n", []),
        ("from keystone.wsgi.api import application\n", [WRONG]),
        (None, [NOTE]),
    ],
)
def test_mod_wsgi_must_load_the_pipeline(host, tmp_path, script, expected):
    path = tmp_path / "keystone.wsgi"
    if script:
        path.write_text(script)
    old = f'ProxyPass "/" {UPSTREAM}'
    told = host(guide.changed(SITE, old, f"WSGIScriptAlias / {path}"))
    assert [level for level, _ in told] == expected


def test_a_script_that_has_the_pipeline_in_a_comment_only(host, tmp_path):
    path = tmp_path / "keystone-wsgi-public"
    path.write_text("# keystone_voms_ext\nfrom keystone import application\n")
    load = "LoadModule wsgi_module /m/mod_wsgi_python3.so\n"
    old = f'ProxyPass "/" {UPSTREAM}'
    for new in (f"WSGIScriptAlias / {path}", f"Alias /identity {path}"):
        new = f"<IfModule mod_wsgi.c>\n{new}\n</IfModule>"
        ((level, told),) = host(
            guide.changed(SITE, old, new), files={"mods-enabled/wsgi.load": load}
        )
        assert level == WRONG and "without its pipeline" in told


BALANCER = f"<Proxy balancer://k>\nBalancerMember {UPSTREAM}\n</Proxy>\n"


@pytest.mark.parametrize(
    "new",
    [
        f'RewriteRule ^/(.*)$ "unix:{SOCKET}|uwsgi://keystone-voms/$1" [P,L]',
        f"{BALANCER}ProxyPass / balancer://K/",
        f"<Location\t/identity>\nProxyPass {UPSTREAM}\n</Location>",
    ],
)
def test_other_ways_lead_to_keystone_too(host, new):
    site = guide.changed(SITE, f'ProxyPass "/" {UPSTREAM}', new)
    assert host(site) == []
    ((level, told),) = host(guide.changed(site, "SSLSessionTickets off", ""))
    assert level == WRONG and "SSLSessionTickets is not set" in told


def test_a_balancer_is_a_way_of_those_alone_who_use_it(host):
    site = guide.changed(SITE, f'ProxyPass "/" {UPSTREAM}', "ProxyPass / balancer://k/")
    assert host(site, files={"conf-enabled/b.conf": BALANCER}) == []
    files = {"conf-enabled/b.conf": BALANCER.replace(f"unix:{SOCKET}|", "")}
    ((level, told),) = host(site, files=files)
    assert level == WRONG and "is a TCP port" in told


OPTIONS = "SSLOptions +StdEnvVars +ExportCertData"


@pytest.mark.parametrize(
    ("begin", "good"),
    [
        ('LocationMatch "^/"', True),
        ('Location ~ "^/"', True),
        ("Location /", True),
        ("LocationMatch ^/v2", False),
        ("LocationMatch (", False),
        ("Location /v3/auth", False),
        ("Directory /", False),
    ],
)
def test_options_of_a_place_hold_if_it_is_around_all(host, begin, good):
    kind = begin.partition(" ")[0]
    place = f"<{begin}>\n{OPTIONS}\n</{kind}>\n</VirtualHost>"
    site = guide.changed(SITE, OPTIONS, "").replace("</VirtualHost>", place)
    assert (host(site) == []) is good


def test_the_place_of_a_script_is_its_directory(host, tmp_path):
    (tmp_path / "keystone").write_text("import keystone_voms_ext\n")
    new = f"WSGIScriptAlias / {tmp_path}/keystone\n<Directory {tmp_path}>\n"
    new += f"{OPTIONS}\n</Directory>"
    site = guide.changed(SITE, OPTIONS, "")
    assert host(guide.changed(site, f'ProxyPass "/" {UPSTREAM}', new)) == []


def test_a_place_of_others_may_ask_for_certificates(host):
    asked = "\nSSLVerifyClient require\n"
    site = guide.changed(SITE, 'ProxyPass "/"', 'ProxyPass "/identity"')
    place = (
        f"<Location /horizon>{asked}</Location>\n<Directory /x>{asked}</Directory>\n"
    )
    assert host(site.replace("</VirtualHost>", f"{place}</VirtualHost>")) == []
    place = place.replace("/horizon", "/identity/v3/auth")
    ((level, told),) = host(site.replace("</VirtualHost>", f"{place}</VirtualHost>"))
    assert level == WRONG and "stands inside <location>" in told


def test_sethandler_leads_to_keystone_too(host):
    new = f'SetHandler "proxy:unix:{SOCKET}|uwsgi://x/"'
    site = guide.changed(SITE, "GridSiteEnvs off", new)
    site = guide.changed(site, f'ProxyPass "/" {UPSTREAM}', "")
    assert host(site) == []
    assert len(host(guide.changed(site, "SSLSessionTickets off", ""))) == 1


def test_the_last_absolute_option_counts_and_a_deeper_place_does_not(host):
    site = SITE.replace("SSLOptions +", "SSLOptions None\n SSLOptions +")
    assert host(site) == []
    site = SITE.replace('<Location "/">', "<Location /other>\nSSLOptions None\n")
    assert host(site) == []
