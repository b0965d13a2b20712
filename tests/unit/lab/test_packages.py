# SPDX-License-Identifier: Apache-2.0
"""Missing programs are named by the package that brings them."""

from tests.lab.packages import NEEDED, missing, needed_by
from tests.lab.settings import MEMCACHED, PROCESSES, SERVICES


def test_nothing_is_missing_where_everything_is_found():
    assert missing(NEEDED, find=lambda name: f"/usr/bin/{name}") == []


def test_a_package_is_named_once():
    assert missing(NEEDED, find=lambda name: None) == [
        "mariadb-server-core",
        "mariadb-client-core",
    ]


def test_memcached_is_needed_where_it_is_a_service_alone():
    assert needed_by(SERVICES) == NEEDED
    assert set(needed_by([*SERVICES, MEMCACHED])) == {*NEEDED, "memcached"}


def test_production_needs_the_programs_of_a_site():
    packages = set(needed_by(PROCESSES).values())
    assert {"apache2-bin", "gridsite", "rabbitmq-server", "voms-server"} <= packages
    # The whole package would bring a site of its own and start it.
    assert "apache2" not in packages


def test_only_the_package_of_the_missing_program_is_named():
    found = {"mariadbd": "/usr/sbin/mariadbd", "mariadb-install-db": "/usr/bin/x"}
    assert missing(NEEDED, find=found.get) == ["mariadb-client-core"]
