# SPDX-License-Identifier: Apache-2.0
"""What ``upgrade check`` tells of uWSGI: one thing is changed in a good file."""

import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from keystone_voms_ext.checks import uwsgi
from keystone_voms_ext.checks.finding import NOTE, WRONG, Finding
from tests.unit.keystone_ext import guide

SHIPPED = guide.UWSGI
SOCKET = "uwsgi-socket = %(unix-socket)"


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """Return a function that judges a file's text."""
    path = tmp_path / "uwsgi.ini"
    monkeypatch.setenv(uwsgi.VARIABLE, str(path))
    (check,) = uwsgi.CHECKS

    def judged(text):
        path.write_text(text)
        return guide.faults(check.find())

    return judged


def test_the_files_that_a_site_gets_are_good(judge, tmp_path):
    assert judge(SHIPPED) == []
    for_haproxy = guide.for_haproxy(tmp_path)
    assert "http-socket = " in for_haproxy and "uwsgi-socket" not in for_haproxy
    assert judge(for_haproxy) == []


MODULE = "module = keystone_voms_ext.wsgi:application"
CHANGES = [
    (MODULE, "module = keystone.wsgi.api:application", "not Keystone behind its"),
    (MODULE, "wsgi = keystone_voms_ext.wsgi:other", "not Keystone behind its"),
    (MODULE, "wsgi-file = /x/keystone-wsgi", "wsgi-file /x/keystone-wsgi does not"),
    (MODULE, "mount = /identity=keystone.wsgi.api", "mount is /identity=keystone"),
    (MODULE, MODULE.replace(":", ".api:"), "not Keystone behind its"),
    (MODULE, "callable = x\n" + MODULE.partition(":")[0], "not Keystone behind its"),
    ("buffer-size = 65535", "buffer-size = 4096", "buffer-size is 4096, too small"),
    ("buffer-size = 65535", "buffer-size = 64k", "buffer-size is 64k"),
    ("buffer-size = 65535", "buffer-size", "buffer-size is 1,"),
    ("buffer-size = 65535", "buffer-size = '65535'", "buffer-size is '65535'"),
    ("buffer-size = 65535", "set = b=4096\nset = b=65535\nbuffer-size = %(b)", "4096"),
    (SOCKET, "shared-socket = :9\nuwsgi-socket = =0", "is the TCP port :9"),
    ("chmod-socket = 660", "chmod-socket = 666", "the mode 666"),
    ("chmod-socket = 660", "chmod-socket", "the mode 666"),
    ("chmod-socket = 660", "chmod-socket = 662", "the mode 662"),
    ("chmod-socket = 660", "chmod-socket = rw", "no mode of three digits"),
    ("chmod-socket = 660", "umask = 000", "umask is 000"),
    (SOCKET, "uwsgi-socket = :5001", "uwsgi-socket is the TCP port :5001"),
    (SOCKET, "socket = 127.0.0.1:5001", "socket is the TCP port 127.0.0.1:5001"),
    (SOCKET, "socket = @keystone", "an abstract socket"),
    (SOCKET, "http = :5000", "http starts a router"),
    (SOCKET, "set = s=:9\nscgi-socket = %(s)", "scgi-socket is the TCP port :9"),
]


@pytest.mark.parametrize(("old", "new", "text"), CHANGES)
def test_one_thing_changed_is_found_and_named(judge, tmp_path, old, new, text):
    changed = guide.changed(SHIPPED, old, new)
    ((level, told),) = judge(changed)
    assert level == WRONG and text in told
    line = changed[: changed.index(new)].count("\n") + new.count("\n") + 1
    assert told.startswith(f"{tmp_path}/uwsgi.ini, line {line}: ")
    guide.check_mended(told)


@pytest.mark.parametrize(
    ("old", "text"),
    [
        (MODULE, "it has no module"),
        ("buffer-size = 65535", "buffer-size is not set, which is 4096"),
        (SOCKET, "there is no socket"),
    ],
)
@pytest.mark.parametrize("sign", ["#", "; "])
def test_what_is_a_comment_is_missing(judge, tmp_path, old, text, sign):
    ((level, told),) = judge(guide.changed(SHIPPED, old, sign + old))
    assert level == WRONG and told.startswith(f"{tmp_path}/uwsgi.ini: {text}")
    guide.check_mended(told)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("buffer-size = 65535", "buffer-size = 32768", "a proxy with many groups"),
        (SOCKET, "socket = %(unknown)", "the value of socket is not known"),
        ("= 65535", "= %(size * 1024)", "of buffer-size, %(size * 1024), is not"),
        ("= 65535", "= @(/etc/size)", "of buffer-size, @(/etc/size), is not known"),
        # Of the environment, which is another.
        (MODULE, "set = m=x\nmodule = $(M_OF_UWSGI)", "the value of module, $(M_OF"),
        (MODULE, MODULE + "\ninclude = absent.ini", "absent.ini cannot be read"),
    ],
)
def test_what_stops_nobody_is_a_note(judge, old, new, text):
    ((level, told),) = judge(guide.changed(SHIPPED, old, new))
    assert level == NOTE and text in told


@pytest.mark.parametrize(
    "new",
    [
        "module = keystone_voms_ext.wsgi",
        "mount = /identity=keystone_voms_ext.wsgi:application",
        "set-placeholder = m=keystone_voms_ext.wsgi\nmodule = %(m):application",
        "set-ph = m=keystone_voms_ext.wsgi\nmodule = %( m ):application",
        "module = %(m):application\nset = m=keystone_voms_ext.wsgi",
    ],
)
def test_other_ways_to_name_the_application_are_good(judge, new):
    assert judge(guide.changed(SHIPPED, MODULE, new)) == []


@pytest.mark.parametrize("value", ["65535 ; for proxies", "+65535", "131072"])
def test_uwsgi_takes_the_digits_of_a_size(judge, value):
    changed = guide.changed(SHIPPED, "buffer-size = 65535", f"buffer-size = {value}")
    assert judge(changed) == []


def test_a_short_name_counts_on_the_command_line_only(judge):
    ((level, told),) = judge(guide.changed(SHIPPED, "buffer-size = 65535", "b = 65535"))
    assert level == WRONG and "buffer-size is not set" in told


def test_what_is_inherited_has_the_last_say(judge, tmp_path):
    (tmp_path / "base.ini").write_text("[uwsgi]\nbuffer-size = 4096\n")
    line = "buffer-size = 65535"
    for name in ("include", "ini"):
        changed = guide.changed(SHIPPED, line, f"{name} = base.ini\n{line}")
        assert judge(changed) == []
    changed = guide.changed(SHIPPED, line, f"inherit = base.ini\n{line}")
    ((level, told),) = judge(changed)
    assert level == WRONG and told.startswith(f"{tmp_path}/base.ini, line 2: ")


def test_a_file_of_another_form_is_told_and_not_called_good(monkeypatch):
    monkeypatch.setenv(uwsgi.VARIABLE, "/x/keystone.yaml")
    (check,) = uwsgi.CHECKS
    ((level, told),) = guide.faults(check.find())
    assert level == NOTE and "only ini files are read here: not checked" in told


def test_a_script_that_takes_ours_is_good(judge, tmp_path):
    script = tmp_path / "keystone.py"
    script.write_text("from keystone_voms_ext.wsgi import application\n")
    assert judge(guide.changed(SHIPPED, MODULE, "wsgi-file = %dkeystone.py")) == []


def test_a_router_before_a_unix_socket_of_http_is_told_by_protocol(judge):
    new = "protocol = http\nsocket = 127.0.0.1:5001"
    assert judge(guide.changed(SHIPPED, SOCKET, new)) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("include = %dother.ini", "other.ini"),
        ("ini = other.ini:uwsgi", "other.ini"),
        ("inherit = %n-other.ini", "uwsgi-other.ini"),
    ],
)
def test_included_files_count_with_their_own_lines(judge, tmp_path, line, name):
    other = "; x\n[other]\nsocket = :1\n[uwsgi]\nbuffer-size = 4096\n"
    (tmp_path / name).write_text(other)
    ((level, told),) = judge(guide.changed(SHIPPED, "buffer-size = 65535", line))
    assert level == WRONG and told.startswith(f"{tmp_path}/{name}, line 5: ")


def test_a_file_that_includes_itself_comes_to_an_end(judge):
    told = judge(SHIPPED + "include = %p\nini = :uwsgi\n")
    assert any("includes too many files" in text for _, text in told)


def test_a_socket_that_is_open_to_all_now_is_told(judge, tmp_path, monkeypatch):
    # The name of a unix socket may have 107 characters, a directory of pytest more.
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        Path("s").chmod(0o660)
        text = guide.changed(SHIPPED, SOCKET, f"uwsgi-socket = {tmp_path}/s")
        assert judge(text) == []
        Path("s").chmod(0o666)
        ((level, told),) = judge(text)
    assert level == WRONG and f"{tmp_path}/s is so now" in told


def test_a_host_without_the_file_is_told(judge, tmp_path):
    (check,) = uwsgi.CHECKS
    (found,) = check.find()
    assert found.level == NOTE
    assert f"{tmp_path}/uwsgi.ini: no uWSGI file found: not checked" in found.text
    assert uwsgi.socket_paths() == ()


def test_the_sockets_are_what_apache_is_searched_for(judge):
    judge(SHIPPED + "http-socket = :5000\n")
    assert uwsgi.socket_paths() == ("/run/keystone-voms/uwsgi.sock",)


PIECES = st.sampled_from(
    [
        *("[uwsgi]\n", "[", "]", "\n", "=", "%(", "%d", "$(", ")", "#", ";", "\0"),
        *("module = ", "socket = ", "http-socket = ", "chmod-socket = ", "set = a="),
        *("buffer-size = ", "include = ", "umask = ", "wsgi-file = ", ":", "@", "0"),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES | st.text(max_size=8)).map("".join))
@example("[uwsgi]\ninclude = \0\nsocket = \0/x\nwsgi-file = \0\nbuffer-size = \u00b2\n")
@example("[uwsgi]\nbuffer-size = " + "9" * 5000)
def test_any_text_gives_findings_and_no_exception(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any", numbered=True) / "uwsgi.ini"
    path.write_bytes(text.encode("utf-8", "replace"))
    loaded, _ = uwsgi.load(path)
    found = list(uwsgi.judged(loaded, file=path))
    assert all(isinstance(one, Finding) for one in found)
    # Without all of these it is never good.
    assert found or all(one in text for one in ("socket", "buffer-size", "65535"))
