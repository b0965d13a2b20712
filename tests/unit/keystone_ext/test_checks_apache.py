# SPDX-License-Identifier: Apache-2.0
"""What ``upgrade check`` tells of Apache: one thing is changed in a good set-up."""

import keystone.conf
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from keystone_voms_ext import conf
from keystone_voms_ext.checks import apache, apache_config, place, uwsgi
from keystone_voms_ext.checks.finding import NOTE, OK, WRONG, Finding
from tests.unit.keystone_ext import guide

CONF = keystone.conf.CONF
# Debian's main file, less what no check looks at.
MAIN = """\
DefaultRuntimeDir ${APACHE_RUN_DIR}
User ${APACHE_RUN_USER}
IncludeOptional mods-enabled/*.load
IncludeOptional mods-enabled/*.conf
Include ports.conf
IncludeOptional conf-enabled/*.conf
IncludeOptional sites-enabled/*.conf
"""
FILES = {
    "apache2.conf": MAIN,
    "envvars": "export APACHE_RUN_DIR=/run/apache2$SUFFIX\nunset HOME\n",
    "ports.conf": "Listen 80\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n",
    "mods-enabled/ssl.load": "# Depends\nLoadModule ssl_module /m/mod_ssl.so\n",
    "mods-enabled/ssl.conf": """\
<IfModule mod_ssl.c>
    #   SSLSessionCache shmcb:${APACHE_RUN_DIR}/ssl_scache(512000)
    SSLSessionCacheTimeout  300
</IfModule>
""",
    "sites-enabled/000-default.conf": """\
<VirtualHost *:80>
    DocumentRoot /var/www/html
</VirtualHost>
""",
}
GUIDE = guide.block("apache", having="gridsite_module")
SHIPPED = (guide.DEPLOY / "apache" / "keystone-voms.conf").read_text("utf-8")
SOCKET = "/run/keystone-voms/uwsgi.sock"


@pytest.fixture
def host(tmp_path):
    """Return a function that judges an Apache with some files changed."""
    cas = tmp_path / "certificates"
    cas.mkdir()

    def judge(site=GUIDE, *, files=(), sockets=(SOCKET,), **options):
        for name, text in {
            **FILES,
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


@pytest.mark.parametrize("site", [GUIDE, SHIPPED], ids=["guide", "shipped"])
def test_the_files_that_a_site_gets_are_good(host, site):
    assert host(site) == []


CHANGES = [
    (
        "LoadModule gridsite_module",
        "#LoadModule gridsite",
        "mod_gridsite is not loaded",
    ),
    ("SSLVerifyClient optional", "", "SSLVerifyClient is not set"),
    ("SSLVerifyClient optional", "SSLVerifyClient none", "SSLVerifyClient is none"),
    (
        "SSLVerifyClient optional",
        "SSLVerifyClient optional_no_ca",
        "line 12: SSLVerifyClient is optional_no_ca",
    ),
    ("GridSiteEnvs off", "SSLVerifyClient optional", "stands inside <location>"),
    ("SSLVerifyDepth 20", "", "SSLVerifyDepth is not set, which is 1"),
    ("SSLVerifyDepth 20", "SSLVerifyDepth 1", "line 13: SSLVerifyDepth is 1"),
    ("SSLVerifyDepth 20", "SSLVerifyDepth many", "SSLVerifyDepth is many"),
    ("SSLSessionTickets off", "", "SSLSessionTickets is not set"),
    ("SSLSessionTickets off", "SSLSessionTickets on", "SSLSessionTickets is on"),
    (
        "SSLCARevocationCheck  chain",
        "SSLCARevocationCheck leaf",
        "SSLCARevocationCheck is leaf",
    ),
    ("SSLCARevocationCheck  chain", "", "SSLCARevocationCheck is not set"),
    ("SSLCARevocationPath", "#", "has no CRLs to look at"),
    ("+StdEnvVars +ExportCertData", "+StdEnvVars", "lacks +ExportCertData"),
    ("+StdEnvVars +ExportCertData", "+ExportCertData", "lacks +StdEnvVars"),
    ("GridSiteEnvs off", "SSLOptions -ExportCertData", "lacks +ExportCertData"),
    ("GridSiteEnvs off", "SSLOptions StdEnvVars", "lacks +ExportCertData"),
    ("SSLCACertificatePath", "#", "there is no SSLCACertificatePath"),
    ("SSLEngine on", "", "leads to Keystone without TLS"),
    (f"unix:{SOCKET}|uwsgi://keystone/", "uwsgi://[::1]:9/keystone/", "is a TCP port"),
    (f"unix:{SOCKET}|uwsgi://keystone/", f"unix:{SOCKET}|http://x/", "hands no certif"),
    ("Listen 5000", "SSLSessionCache shm:/x", "line 3: SSLSessionCache is shm:/x"),
]


@pytest.mark.parametrize(("old", "new", "text"), CHANGES)
def test_one_thing_changed_is_found_and_named(host, old, new, text):
    ((level, told),) = host(guide.changed(GUIDE, old, new))
    assert level == WRONG and text in told
    assert told.startswith("/x/sites-enabled/keystone-voms.conf, line ")
    guide.check_mended(told)


NOTES = [
    (
        "SSLVerifyClient optional",
        "SSLVerifyClient require",
        "SSLVerifyClient is require",
    ),
    ("SSLVerifyDepth 20", "SSLVerifyDepth 5", "a proxy of proxies"),
    ("Listen 5000", "SetEnv OPENSSL_ALLOW_PROXY_CERTS 1", "does nothing since OpenSSL"),
    ("Listen 5000", "GridSiteAdminURI /real", "a2dismod zgridsite"),
    ("Listen 5000", "Include absent.conf", "no file 'absent.conf'"),
    ("Listen 5000", "<IfDirective X>\n</IfDirective>", "is taken as if it held"),
    ("Listen 5000", "<Macro x>\nSSLSessionCache shm:/x\n</Macro>", "a Macro makes"),
    (f"unix:{SOCKET}|uwsgi://keystone/", "balancer://keystone/", "the members of"),
]


@pytest.mark.parametrize(("old", "new", "text"), NOTES)
def test_what_stops_nobody_is_a_note(host, old, new, text):
    ((level, told),) = host(guide.changed(GUIDE, old, new))
    assert level == NOTE and text in told


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "mods-enabled/ssl.conf",
            "<IfModule mod_ssl.c>\nSSLSessionCache shmcb:${APACHE_RUN_DIR}/c(5)\n"
            "</IfModule>\nSSLSessionCache none\n",
            "/x/mods-enabled/ssl.conf, line 2: SSLSessionCache is "
            "shmcb:/run/apache2/c(5)",
        ),
        (
            "sites-enabled/other.conf",
            "<VirtualHost *:5000>\nSSLEngine on\n</VirtualHost>\n",
            "/x/sites-enabled/other.conf, line 1, virtual host *:5000: "
            "SSLSessionTickets is not set",
        ),
        (
            "conf-enabled/x.conf",
            "<Location />\nSSLVerifyClient require\n</Location>\n",
            "/x/conf-enabled/x.conf, line 2: SSLVerifyClient stands inside <location>",
        ),
    ],
)
def test_a_fault_is_found_wherever_it_is_loaded(host, name, text, told):
    ((level, found),) = host(files={name: text})
    assert level == WRONG and found.startswith(told)


@pytest.mark.parametrize(
    "text",
    [
        "<IfModule absent_module>\n{}\n</IfModule>",
        "<IfModule !mod_ssl.c>\n{}\n</IfModule>",
        "<IfDefine X>\n<IfModule ssl_module>\n{}\n</IfModule>\n</IfDefine>",
        "Define X\n<IfDefine !X>\n{}\n</IfDefine>",
        "Define X\nUndefine X\n<IfDefine X>\n{}\n</IfDefine>",
        "<IfFile absent>\n{}\n</IfFile>",
        "<IfVersion < 2.4>\n{}\n</IfVersion>",
        "# continued \\\n{}",
    ],
)
def test_what_a_condition_leaves_out_is_not_there(host, text):
    files = {"conf-enabled/x.conf": text.format("SSLSessionCache shm:/x")}
    assert host(files=files) == []


@pytest.mark.parametrize(
    "text",
    [
        "<IfModule ssl_module>\n{}\n</IfModule>",
        "<ifmodule MOD_SSL.C>\n</ifmodule>\n{}",
        "Define X\n<IfDefine X>\n{}\n</IfDefine>",
        "<IfFile ports.conf>\n{}\n</IfFile>",
        "<IfVersion >= 2.4>\n{}\n</IfVersion>",
        "<IfVersion !< 2.4>\n{}\n</IfVersion>",
        "<IfVersion = 2.4>\n{}\n</IfVersion>",
        "<IfVersion > 2.2>\n{}\n</IfVersion>",
        "<IfVersion <= 2.6>\n{}\n</IfVersion>",
        "Define D conf-other\nInclude ${{D}}\n<IfDefine Y>\n{}\n</IfDefine>",
        "SSLSessionTickets \\\n off\n{}",
    ],
)
def test_what_a_condition_lets_in_is_there(host, tmp_path, text):
    (tmp_path / "conf-other" / "below").mkdir(parents=True)
    (tmp_path / "conf-other" / "below" / "a").write_text("Define Y\n")
    files = {"conf-enabled/x.conf": text.format("SSLSessionCache shm:/x")}
    ((level, told),) = host(files=files)
    assert level == WRONG and "SSLSessionCache is shm:/x" in told


def test_what_the_server_says_holds_for_its_virtual_hosts(host):
    moved = "SSLSessionTickets off"
    site = guide.changed(GUIDE, moved, "")
    assert host(site, files={"conf-enabled/tls.conf": f"{moved}\n"}) == []


def test_directories_that_are_missing_are_named(host, tmp_path):
    (tmp_path / "certificates").rmdir()
    told = host()
    assert [level for level, _ in told] == [WRONG, WRONG]
    assert "SSLCACertificatePath is /x/certificates, and there is no" in told[0][1]
    assert "SSLCARevocationPath is /x/certificates, and there is no" in told[1][1]


def test_a_directory_of_other_cas_than_keystones_is_a_note(host, tmp_path):
    ((level, told),) = host(ca_path=str(tmp_path))
    assert level == NOTE and "[voms] ca_path is /x." in told


def test_a_value_that_only_the_command_line_knows_is_a_note(host):
    site = GUIDE.replace("/etc/grid-security/certificates", "${CAS}")
    told = host(site)
    assert {level for level, _ in told} == {NOTE}
    assert any("${CAS}, whose value is not known" in text for _, text in told)


def test_a_site_without_crls_may_leave_them_out(host):
    site = guide.changed(GUIDE, "SSLCARevocationCheck  chain", "")
    ((level, _),) = host(site, crl_policy="off")
    assert level == NOTE


def test_a_socket_of_another_name_leads_to_keystone_by_uwsgis_file(host):
    site = GUIDE.replace(SOCKET, "/run/k.sock").replace("uwsgi://keystone", "uwsgi://k")
    site = guide.changed(site, "SSLSessionTickets off", "")
    ((level, told),) = host(site, sockets=("/run/k.sock",))
    assert level == WRONG and "SSLSessionTickets" in told
    ((level, told),) = host(site)
    assert level == NOTE and "leads to Keystone: not checked" in told
    assert host(site, by_header=True) == []


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
    old = f"ProxyPass / unix:{SOCKET}|uwsgi://keystone/"
    told = host(guide.changed(GUIDE, old, f"WSGIScriptAlias / {path}"))
    assert [level for level, _ in told] == expected


def test_sethandler_leads_to_keystone_too(host):
    new = f'SetHandler "proxy:unix:{SOCKET}|uwsgi://x/"'
    site = guide.changed(GUIDE, "GridSiteEnvs off", new)
    site = guide.changed(site, f"ProxyPass / unix:{SOCKET}|uwsgi://keystone/", "")
    assert host(site) == []
    assert len(host(guide.changed(site, "SSLSessionTickets off", ""))) == 1


def test_the_last_absolute_option_counts_and_a_deeper_place_does_not(host):
    site = GUIDE.replace("SSLOptions +", "SSLOptions None\n SSLOptions +")
    assert host(site) == []
    site = GUIDE.replace("<Location />", "<Location /other>\nSSLOptions None\n")
    assert host(site) == []


def test_a_file_that_includes_itself_comes_to_an_end(host):
    files = {"conf-enabled/x.conf": "Include conf-enabled/*.conf\n" * 3}
    told = host(files=files)
    assert any("includes too many files" in text for _, text in told)


def test_a_variable_of_envvars_that_does_nothing_is_told(host):
    files = {"envvars": "export OPENSSL_ALLOW_PROXY_CERTS=1\n"}
    ((level, told),) = host(files=files)
    assert level == NOTE and told.startswith("/x/envvars, line 1: ")


@pytest.fixture
def site(monkeypatch, tmp_path):
    """Return where the environment says that Apache's main file is."""
    keystone.conf.configure()
    conf.register(CONF)
    monkeypatch.setenv(apache.VARIABLE, str(tmp_path / "apache2.conf"))
    monkeypatch.setenv(uwsgi.VARIABLE, str(tmp_path / "absent.ini"))
    yield tmp_path / "apache2.conf"
    CONF.clear_override("trusted_header_peers", group="voms")


def test_a_host_without_apache_is_told_and_not_called_good(site):
    (check,) = apache.CHECKS
    text = "no Apache configuration found: not checked"
    (found,) = check.find()
    assert found.level == NOTE and text in found.text and str(site) in found.text
    CONF.set_override("trusted_header_peers", ["unix"], group="voms")
    (found,) = check.find()
    assert found.level == OK and text in found.text


def test_the_check_reads_the_file_that_is_named(site):
    (check,) = apache.CHECKS
    text = "SSLSessionCache shm:/x\n"
    site.write_text(text)
    # The Apache of others may resume what it likes.
    assert [one.level for one in check.find()] == [NOTE]
    site.write_text(f"{text}ProxyPass /keystone/ uwsgi://[::1]:9/keystone/\n")
    told = [one.text for one in check.find()]
    assert len(told) == 2 and "SSLSessionCache is shm:/x" in told[0]
    assert "leads to Keystone without TLS" in told[1]


def test_the_usual_file_is_the_first_that_exists(monkeypatch, tmp_path):
    monkeypatch.delenv("X", raising=False)
    (tmp_path / "b").touch()
    names = [str(tmp_path / name) for name in ("a", "b", "c")]
    assert place.chosen("X", *names) == tmp_path / "b"
    assert place.chosen("X", names[0]) == tmp_path / "a"


PIECES = st.sampled_from(
    [
        *(
            "<VirtualHost *:5000>\n",
            "</VirtualHost>\n",
            "<Location />\n",
            "<",
            "</",
            ">",
        ),
        *("SSLOptions ", "+ExportCertData", "SSLVerifyDepth ", "\\\n", '"', "'", "${"),
        *("Define A ", "${A}", "SSLEngine on\n", "ProxyPass / uwsgi://keystone\n"),
        *("<IfVersion ", "<IfModule ", "WSGIScriptAlias / /x/keystone\n", "\n", "\0"),
        *("Include ", "SetHandler ", "SSLVerifyClient", "SSLCACertificatePath ", "!"),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES | st.text(max_size=8)).map("".join))
@example("Include \0\n")
@example("<IfVersion !>= " + "9" * 5000 + ">\n")
@example(
    "SSLVerifyDepth \u0661\n<VirtualHost>\nSSLEngine on\nWSGIScriptAlias / keystone\0\n"
)
def test_any_text_gives_findings_and_no_exception(tmp_path_factory, text):
    # What a text includes is looked for in a directory with nothing in it.
    root = tmp_path_factory.mktemp("any", numbered=True)
    (root / "apache2.conf").write_bytes(text.encode("utf-8", "replace"))
    site = apache.Site(
        ca_path="/x", crl_policy="require", by_header=False, sockets=("/s",)
    )
    found = list(apache.judged(apache_config.load(root / "apache2.conf"), site))
    assert found and all(isinstance(one, Finding) for one in found)
