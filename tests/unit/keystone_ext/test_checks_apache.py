# SPDX-License-Identifier: Apache-2.0
"""What ``upgrade check`` tells of Apache: one thing is changed in a good set-up."""

import keystone.conf
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from keystone_voms_ext import conf
from keystone_voms_ext.checks import apache, apache_config, place, uwsgi
from keystone_voms_ext.checks.finding import NOTE, OK, WRONG, Finding
from tests.guide import reader
from tests.unit.keystone_ext import guide

CONF = keystone.conf.CONF
FILES = guide.DEBIANS_APACHE
SITE = guide.by_default(guide.APACHE)
SOCKET = "/run/keystone-voms/uwsgi.sock"
UPSTREAM = f'"unix:{SOCKET}|uwsgi://keystone-voms/"'
# What the guide has beside the site.
VALUES = "/etc/apache2/conf-available/keystone-voms-site.conf"
TLS = "/etc/apache2/mods-available/ssl.conf"


@pytest.mark.parametrize("site", [guide.APACHE, SITE], ids=["shipped", "by default"])
def test_the_files_that_a_site_gets_are_good(host, site):
    assert host(site) == []


def test_what_the_guide_makes_of_debians_files_is_good(host, tmp_path):
    debians = FILES["mods-enabled/ssl.conf"].replace("#   SSL", "\tSSL")
    files = {"mods-enabled/ssl.conf": debians}
    ((level, told),) = host(guide.APACHE, files=files)
    assert level == WRONG and "SSLSessionCache is shmcb:" in told
    mended = guide.edited(TLS, debians, variant=reader.APACHE, folder=tmp_path)
    assert "\n    SSLSessionCacheTimeout" in mended
    files = {
        "mods-enabled/ssl.conf": mended,
        "conf-enabled/keystone-voms-site.conf": guide.printed(
            VALUES, variant=reader.APACHE
        ),
    }
    assert host(guide.APACHE, files=files) == []


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
        "line {}: SSLVerifyClient is optional_no_ca",
    ),
    ("GridSiteEnvs off", "SSLVerifyClient optional", "stands inside <location>"),
    ("SSLVerifyDepth 20", "", "SSLVerifyDepth is not set, which is 1"),
    ("SSLVerifyDepth 20", "SSLVerifyDepth 1", "line {}: SSLVerifyDepth is 1"),
    ("SSLVerifyDepth 20", "SSLVerifyDepth many", "SSLVerifyDepth is many"),
    ("SSLSessionTickets off", "", "SSLSessionTickets is not set"),
    ("SSLSessionTickets off", "SSLSessionTickets on", "SSLSessionTickets is on"),
    (
        "SSLCARevocationCheck chain",
        "SSLCARevocationCheck leaf",
        "SSLCARevocationCheck is leaf",
    ),
    ("SSLCARevocationCheck chain", "", "SSLCARevocationCheck is not set"),
    ("SSLCARevocationPath", "#", "has no CRLs to look at"),
    ("+StdEnvVars +ExportCertData", "+StdEnvVars", "lacks +ExportCertData"),
    ("+StdEnvVars +ExportCertData", "+ExportCertData", "lacks +StdEnvVars"),
    ("GridSiteEnvs off", "SSLOptions -ExportCertData", "lacks +ExportCertData"),
    ("GridSiteEnvs off", "SSLOptions StdEnvVars", "lacks +ExportCertData"),
    ("SSLCACertificatePath", "#", "there is no SSLCACertificatePath"),
    ("SSLEngine on", "", "leads to Keystone without TLS"),
    (UPSTREAM, "uwsgi://[::1]:9/keystone/", "is a TCP port"),
    (UPSTREAM, f"unix:{SOCKET}|http://x/", "hands no certif"),
    ("SSLSessionCache none", "SSLSessionCache shm:/x", "SSLSessionCache is shm:/x"),
]


@pytest.mark.parametrize(("old", "new", "text"), CHANGES)
def test_one_thing_changed_is_found_and_named(host, old, new, text):
    ((level, told),) = host(guide.changed(SITE, old, new))
    line = SITE[: SITE.index(old)].count("\n") + 1
    assert level == WRONG and text.format(line) in told
    assert told.startswith("/x/sites-enabled/keystone-voms.conf, line ")
    guide.check_mended(told)


NOTES = [
    (
        "SSLVerifyClient optional",
        "SSLVerifyClient require",
        "SSLVerifyClient is require",
    ),
    ("SSLVerifyDepth 20", "SSLVerifyDepth 5", "a proxy of proxies"),
    (
        "Listen *:5000",
        "SetEnv OPENSSL_ALLOW_PROXY_CERTS 1",
        "does nothing since OpenSSL",
    ),
    ("Listen *:5000", "GridSiteAdminURI /real", "a2dismod zgridsite"),
    ("Listen *:5000", "Include absent.conf", "no file 'absent.conf'"),
    ("Listen *:5000", "IncludeOptional ${X}/*.conf", "what ${X}/*.conf stands for is"),
    ("Listen *:5000", "<IfDirective X>\n</IfDirective>", "is taken as if it held"),
    ("Listen *:5000", "<Macro x>\nSSLSessionCache shm:/x\n</Macro>", "a Macro makes"),
    (UPSTREAM, "balancer://keystone/", "the members of"),
]


@pytest.mark.parametrize(("old", "new", "text"), NOTES)
def test_what_stops_nobody_is_a_note(host, old, new, text):
    ((level, told),) = host(guide.changed(SITE, old, new))
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
        *(
            (
                "conf-enabled/x.conf",
                f"LoadModule mpm_event_module /m/mod_mpm_event.so\n<IfModule {name}>\n"
                "SSLSessionCache shm:/x\n</IfModule>\n",
                "/x/conf-enabled/x.conf, line 3: SSLSessionCache is shm:/x",
            )
            for name in ("mod_watchdog.c", "http_core.c", "event.c")
        ),
        *(
            (
                "sites-enabled/other.conf",
                f"<VirtualHost\t{address}>\nSSLEngine on\n</VirtualHost>\n",
                "/x/sites-enabled/other.conf, line 1, virtual host "
                f"{address}: SSLSessionTickets is not set",
            )
            for address in ("*", "_default_:*", "10.0.0.1", "[::1]", "[::1]:5000")
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
    site = guide.changed(SITE, moved, "")
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
    site = SITE.replace("/etc/grid-security/certificates", "${CAS}")
    told = host(site)
    assert {level for level, _ in told} == {NOTE}
    assert any("${CAS}, whose value is not known" in text for _, text in told)


def test_a_site_without_crls_may_leave_them_out(host):
    site = guide.changed(SITE, "SSLCARevocationCheck chain", "")
    ((level, _),) = host(site, crl_policy="off")
    assert level == NOTE


def test_a_cache_that_keeps_nothing_is_none(host):
    files = {"conf-enabled/x.conf": "SSLSessionCache nonenotnull\n"}
    assert host(files=files) == []


def test_the_mend_has_the_directory_of_this_apache(host):
    load = "LoadModule ssl_module modules/mod_ssl.so\n"
    site = guide.changed(SITE, "LoadModule gridsite_module", "#")
    ((_, told),) = host(site, files={"mods-enabled/ssl.load": load})
    assert "'LoadModule gridsite_module modules/mod_gridsite.so'" in told


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
