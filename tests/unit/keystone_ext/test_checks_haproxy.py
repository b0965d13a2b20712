# SPDX-License-Identifier: Apache-2.0
"""What ``upgrade check`` tells of headers: one thing is changed in a good set-up."""

from pathlib import Path

import keystone.conf
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keystone_voms_ext import conf
from keystone_voms_ext.checks import haproxy, haproxy_config, uwsgi
from keystone_voms_ext.checks.finding import NOTE, WRONG, Finding
from tests.unit.keystone_ext import guide

CONF = keystone.conf.CONF
SHIPPED = guide.bare(guide.HAPROXY)
SOCKET = "http-socket = /var/lib/haproxy/keystone/uwsgi.sock\n"
# Debian's main file, less what no check looks at.
DEBIANS = """\
global
\tchroot /var/lib/haproxy
\tuser haproxy
        ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets

defaults
\tmode\thttp
        timeout client  50000
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a function that checks a site with some text for each of its files."""
    keystone.conf.configure()
    conf.register(CONF)
    files = {"haproxy.cfg": haproxy.VARIABLE, "uwsgi.ini": uwsgi.VARIABLE}
    for name, variable in files.items():
        monkeypatch.setenv(variable, str(tmp_path / name))
    for name in ("igtf.pem", "crls.pem"):
        (tmp_path / name).touch()
    (check,) = haproxy.CHECKS

    def judge(text=SHIPPED, *, socket=SOCKET, peers=("unix",), crls="require"):
        CONF.set_override("trusted_header_peers", list(peers), group="voms")
        CONF.set_override("crl_policy", crls, group="voms")
        if text is not None:
            text = text.replace("/etc/haproxy", str(tmp_path))
            (tmp_path / "haproxy.cfg").write_text(text)
        ini = socket if "[uwsgi]" in socket else f"[uwsgi]\n{socket}"
        (tmp_path / "uwsgi.ini").write_text(ini)
        return guide.faults(check.find())

    yield judge
    for name in ("trusted_header_peers", "crl_policy"):
        CONF.clear_override(name, group="voms")


@pytest.mark.parametrize("before", ["", DEBIANS], ids=["alone", "behind Debian's"])
def test_the_files_that_a_site_gets_are_good(site, tmp_path, before):
    socket = guide.for_haproxy(tmp_path)
    assert SOCKET in socket
    assert site(before + guide.HAPROXY, socket=socket) == []


CERT = "http-request del-header ^client[-_]cert -m reg"
SSL = "http-request del-header ^(x[-_])?ssl[-_] -m reg"
LEAF = "http-request set-header Client-Cert :%[ssl_c_der,base64]: if { ssl_c_used }"
CHAIN = "http-request set-header X-SSL-Client-Chain-DER"
CHANGES = [
    (CERT, "", "lets headers through that a client wrote: client-cert, client_cert"),
    (CERT, f"#{CERT}", "wrote: client-cert, client_cert"),
    (CERT, "http-request del-header Client-Cert", "wrote: client_cert, client-cert-c"),
    (CERT, "http-request del-header client- -m beg", "wrote: client_cert, client_ce"),
    (CERT, "http-request del-header ( -m reg", "wrote: client-cert, client_cert"),
    (CERT, "http-request del-header x -m found", "wrote: client-cert, client_cert"),
    (SSL, "", "a client wrote: x-ssl-client-chain-der."),
    (LEAF, "", "frontend keystone sets no Client-Cert"),
    (CHAIN, "http-request set-header X-Other", "the chain of the proxy is not"),
    ("no-tls-tickets ", "", "TLS tickets are on"),
    ("verify optional", "", "verify is not set"),
    ("verify optional", "verify none", "verify is none"),
    ("ca-file /etc/haproxy/igtf.pem ", "", "the bind has no ca-file"),
    ("igtf.pem", "absent.pem", "absent.pem, and there is no such file"),
    ("ca-file /etc/haproxy", "ca-file /etc/haproxy/cas", "cas/igtf.pem, and there is"),
    ("crl-file /etc/haproxy/crls.pem ", "", "the bind has no crl-file"),
    ("tune.ssl.cachesize 0", "", "HAProxy keeps TLS sessions"),
    ("tune.ssl.cachesize 0", "tune.ssl.cachesize 9", "HAProxy keeps TLS sessions"),
    ("unix@/keystone/uwsgi.sock", "127.0.0.1:5001", "has unix alone"),
]


@pytest.mark.parametrize(("old", "new", "text"), CHANGES)
def test_one_thing_changed_is_found_and_named(site, tmp_path, old, new, text):
    ((level, told),) = site(guide.changed(SHIPPED, old, new))
    assert level == WRONG and text in told
    assert told.startswith(f"{tmp_path}/haproxy.cfg, line ")
    guide.check_mended(told)


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (
            lambda text: guide.changed(text, CERT, f"{CERT} if {{ ssl_c_used }}"),
            ["del-header has a condition", "wrote: client-cert"],
        ),
        (
            lambda text: guide.changed(
                guide.changed(text, CERT, ""), LEAF, f"{LEAF}\n    {CERT}"
            ),
            ["stands behind the line that sets", "wrote: client-cert"],
        ),
    ],
)
def test_a_deletion_that_does_not_always_come_first_is_none(site, change, texts):
    told = site(change(SHIPPED))
    assert [level for level, _ in told] == [WRONG, WRONG]
    assert all(text in one for text, (_, one) in zip(texts, told, strict=True))


def test_a_directory_of_cas_needs_names_that_haproxy_loads(site, tmp_path):
    text = guide.changed(SHIPPED, "haproxy/igtf.pem", "haproxy/cas")
    (tmp_path / "cas").mkdir()
    (tmp_path / "cas" / "0a1b2c3d.0").touch()
    ((level, told),) = site(text)
    assert level == WRONG and "/cas, and there is no such file" in told
    (tmp_path / "cas" / "igtf.pem").touch()
    assert site(text) == []


def test_a_name_below_ca_base(site):
    base = "tune.bufsize 65536\n    ca-base /etc/haproxy"
    text = guide.changed(SHIPPED, "tune.bufsize 65536", base)
    text = guide.changed(text, "ca-file /etc/haproxy/", "ca-file ")
    assert site(text) == []
    ((level, told),) = site(guide.changed(text, "ca-file igtf.", "ca-file absent."))
    assert level == WRONG and "absent.pem, and there is no such file in /" in told
    # Where HAProxy will be started is not known here.
    assert site(guide.changed(text, "ca-base", "crt-base")) == []


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("/etc/haproxy/igtf.pem", '"${CAS}"', "ca-file is ${CAS}, whose value is not"),
        ("verify optional", "verify required", "reach no password login"),
        ("tune.bufsize 65536", "", "tune.bufsize is 16384"),
        ("tune.bufsize 65536", "tune.bufsize big", "tune.bufsize is big"),
        ("bind :5000", "bind :5001\n    bind :5000", "this bind has no TLS"),
    ],
)
def test_what_stops_nobody_is_a_note(site, old, new, text):
    ((level, told),) = site(guide.changed(SHIPPED, old, new))
    assert level == NOTE and text in told
    guide.check_mended(told)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (CERT, "http-request del-header client -m beg"),
        (CERT, "http-request del-header cert -m sub"),
        (CERT, 'http-request del-header "^client" -m reg # all of them'),
        (
            CERT,
            "option http-restrict-req-hdr-names delete\n"
            "http-request del-header Client-Cert\n"
            "http-request del-header client-cert-chain",
        ),
        (
            "tune.bufsize 65536",
            "tune.bufsize 65536\nssl-default-bind-options no-tls-tickets",
        ),
        ("default_backend keystone", "use_backend keystone if { path_beg / }"),
    ],
)
def test_other_ways_to_say_the_same_are_good(site, old, new):
    assert site(guide.changed(SHIPPED, old, new)) == []


def test_what_the_backend_does_to_a_request_counts(site):
    rules = f"{LEAF}\n    {CHAIN} x\n"
    text = guide.changed(SHIPPED, LEAF, "")
    text = guide.changed(text, CHAIN, "http-request set-header X-Other")
    assert site(f"{text}\n    {rules}") == []


def test_a_site_without_crls_may_leave_them_out(site):
    text = guide.changed(SHIPPED, "crl-file /etc/haproxy/crls.pem ", "")
    ((level, told),) = site(text, crls="off")
    assert level == NOTE and "no crl-file" in told


@pytest.mark.parametrize(
    ("socket", "peers", "level", "text"),
    [
        (":5000", ["unix"], WRONG, "has unix alone, so no certificate is read"),
        (":5000", ["127.0.0.1"], WRONG, "each user of this host can claim any"),
        ("127.0.0.1:5000", ["::1"], WRONG, "each user of this host can claim any"),
        (":5000", ["192.0.2.7"], WRONG, "open to every network"),
        ("0.0.0.0:5000", ["192.0.2.7"], WRONG, "open to every network"),
        ("192.0.2.1:5000", ["192.0.2.7", "unix"], NOTE, "connects from 192.0.2.7 can"),
    ],
)
def test_a_port_where_headers_are_believed_is_told(
    site, tmp_path, socket, peers, level, text
):
    ((found, told),) = site(None, socket=f"http-socket = {socket}\n", peers=peers)[:1]
    assert found == level and text in told
    assert told.startswith(f"{tmp_path}/uwsgi.ini, line 2: http-socket is the TCP port")
    guide.check_mended(told)


def test_a_port_is_nobodys_business_while_no_header_is_believed(site):
    assert site(None, socket="http-socket = :5000\n", peers=[]) == []


def test_headers_that_nobody_reads_are_told(site):
    ((level, told),) = site(peers=[])
    assert level == WRONG and "Keystone reads none" in told
    guide.check_mended(told)


def test_headers_without_an_haproxy_are_not_called_good(site, tmp_path):
    ((level, told),) = site(None)
    assert level == NOTE and "no HAProxy configuration found: not checked" in told
    assert site(None, peers=[]) == []


def test_an_haproxy_that_serves_others_is_not_judged(site):
    other = "frontend web\n    bind :443 ssl crt x\n    default_backend web\n"
    other += "backend web\n    server a 192.0.2.1:80\n"
    ((level, told),) = site(other)
    assert level == NOTE and "no frontend leads to Keystone: not checked" in told
    assert site(other, peers=[]) == []
    assert site(SHIPPED + other) == []


def test_tls_that_is_passed_through_is_not_judged(site):
    text = (
        "listen keystone\n    mode tcp\n    bind :5000\n    server a 192.0.2.1:5000\n"
    )
    assert site(text, peers=[]) == []


def test_a_frontend_is_keystones_by_the_socket_of_uwsgis_file(site):
    text = SHIPPED.replace("keystone", "identity").replace(
        "/identity/uwsgi.sock", "/run/k.sock"
    )
    text = guide.changed(text, "/etc/haproxy/identity.pem", "/x")
    text = "\n".join(line for line in text.split("\n") if "set-header" not in line)
    ((level, told),) = site(text, socket="http-socket = /run/k.sock\n")
    assert level == WRONG and "sets no Client-Cert" in told
    ((level, told),) = site(text)
    assert level == NOTE and "no frontend leads to Keystone" in told


PIECES = st.sampled_from(
    [
        *("global\n", "frontend keystone\n", "listen keystone\n", "backend keystone\n"),
        *("bind :1 ssl ", "verify ", "ca-file /", "default_backend keystone\n", "\0"),
        *("http-request ", "del-header ", "set-header Client-Cert ", "-m ", "reg", "("),
        *("server a ", "tune.bufsize ", "tune.ssl.cachesize 0\n", "\n", "#", '"', "'"),
        *("option http-restrict-req-hdr-names ", "delete\n", "\\", "[", "*", "if"),
    ]
)
SITE = haproxy.Site(header_peers=("unix",), crl_policy="require", listeners=())


@given(st.lists(PIECES | st.text(max_size=8)).map("".join))
@example("listen keystone\nbind ssl ca-file /\0\ntune.bufsize \u0661\n")
@example(
    "listen keystone\nbind ssl\nhttp-request del-header a{99999999999999999999} -m reg"
)
def test_any_text_gives_findings_and_no_exception(text):
    file = Path("haproxy.cfg")
    found = list(
        haproxy.judged(haproxy_config.parse(text, file=file), file=file, site=SITE)
    )
    assert found and all(isinstance(one, Finding) for one in found)
