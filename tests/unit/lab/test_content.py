# SPDX-License-Identifier: Apache-2.0
"""The content of the lab that can be judged without a lab."""

from tests.lab.mariadb import init_sql
from tests.lab.provision import mapping_rules
from tests.lab.run.commands import split
from tests.lab.settings import DATABASES


def test_the_user_is_the_dn_in_the_domain_that_logins_use():
    (rule,) = mapping_rules()
    assert rule["remote"] == [{"type": "VOMS_DN"}]
    (local,) = rule["local"]
    assert local["user"]["name"] == "{0}"
    assert local["user"]["domain"] == {"id": "default"}


def test_mariadb_keeps_one_account_with_a_password():
    lines = init_sql("pw").splitlines()
    assert "NOT IN ('lab', 'mariadb.sys')" in lines[0]
    created = [line for line in lines if line.startswith("CREATE OR REPLACE USER")]
    assert created == ["CREATE OR REPLACE USER lab@'127.0.0.1' IDENTIFIED BY 'pw';"]
    assert all(line.endswith(";") for line in lines)


def test_mariadb_has_a_database_for_each_service():
    text = init_sql("pw")
    assert all(f"CREATE DATABASE IF NOT EXISTS {name};" in text for name in DATABASES)


def test_runs_of_one_command_are_kept_apart():
    assert split(["a", "--b", "--", "c", "--"]) == [["a", "--b"], ["c"], []]
