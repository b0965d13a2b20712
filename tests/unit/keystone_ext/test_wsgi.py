# SPDX-License-Identifier: Apache-2.0
"""The filter and the singleton around Keystone, without Keystone."""

import datetime
import threading

import pytest

from keystone_voms_ext import credential, wsgi
from keystone_voms_ext.identity import groups
from keystone_voms_ext.voms.errors import CredentialRefused
from keystone_voms_ext.voms.validate import VomsAttributes

NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)


def proved(dn="/DC=org/DC=example/CN=alice b"):
    return VomsAttributes(
        dn=dn,
        issuer_dn="/DC=org/DC=example/CN=ca",
        vo="dteam",
        fqans=("/dteam", "/dteam/Role=VO-Admin"),
        primary_fqan="/dteam",
        generic_attributes=(),
        limited=False,
        not_before=NOW,
        not_after=NOW + datetime.timedelta(hours=1),
        ac_issuer="/DC=org/DC=example/CN=voms",
        voms_host="voms.example.org",
    )


def served(environ):
    """Return the environ that the application behind the filter sees."""
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        return [b"ok"]

    make = wsgi.filter_factory({})
    assert make(app)(environ, None) == [b"ok"]
    return seen


def test_claims_of_an_outer_server_are_taken_out():
    seen = served(
        {
            "REMOTE_USER": "admin",
            "VOMS_DN": "/CN=x",
            "GRST_VOMS_FQANS": "/ops",
            "HTTP_VOMS_DN": "a header, which nobody reads",
            "REMOTE_ADDR": "192.0.2.7",
        }
    )
    assert set(seen) == {"HTTP_VOMS_DN", "REMOTE_ADDR"}


def test_what_was_proved_is_asserted():
    seen = served({"SSL_CLIENT_CERT": "pem", credential.VERDICT: proved()})
    assert seen["VOMS_DN"] == "/DC=org/DC=example/CN=alice b"
    assert seen["VOMS_VO"] == "dteam"
    assert seen["VOMS_FQANS"] == "/dteam;/dteam/Role=VO-Admin"
    assert seen["GRST_VOMS_FQANS"] == seen["VOMS_FQANS"]
    assert seen["GRST_CONN_AURI_0"] == "dn:/DC=org/DC=example/CN=alice+b"


def test_a_name_that_the_mapping_engine_would_split_is_not_asserted():
    verdict = proved(dn="/DC=org/DC=example/CN=a;b")
    seen = served({"SSL_CLIENT_CERT": "pem", credential.VERDICT: verdict})
    assert "VOMS_DN" not in seen


def test_a_refused_certificate_passes_on_and_asserts_nothing():
    refused = CredentialRefused("ac_expired", what="It is over.", mend="Renew it.")
    seen = served({"SSL_CLIENT_CERT": "pem", credential.VERDICT: refused})
    assert set(seen) == {"SSL_CLIENT_CERT", credential.VERDICT}
    with pytest.raises(CredentialRefused, match="It is over"):
        credential.of_request(seen, at=NOW)


def test_a_value_is_made_once_whoever_asks_first():
    made = []
    barrier = threading.Barrier(8)

    def make():
        made.append(1)
        return object

    once = wsgi._Once(make)

    def ask():
        barrier.wait()
        assert once() is object

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_the_first_failure_is_the_one_that_everybody_sees():
    failures = iter([OSError("the cause"), OSError("a consequence")])

    def make():
        raise next(failures)

    once = wsgi._Once(make)
    for _ in range(2):
        with pytest.raises(OSError, match="the cause"):
            once()


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("dteam", "voms:dteam"),
        ("/dteam/NGI_TEST/Role=VO-Admin", "voms:/dteam/NGI_TEST/Role=VO-Admin"),
    ],
)
def test_a_group_is_named_after_its_key(key, name):
    assert groups.group_name(key) == name


def test_the_groups_of_two_long_keys_differ():
    names = {groups.group_name(f"/dteam/{'x' * 80}{end}") for end in "ab"}
    assert len(names) == 2
    assert max(map(len, names)) <= 64
