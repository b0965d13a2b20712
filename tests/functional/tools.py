# SPDX-License-Identifier: Apache-2.0
"""The operators' commands, run on the lab's configuration, and the database below.

Owns how a command is started and how the database is read beside Keystone.
Must never assert what should be. Read ``Tools`` first.
"""

import configparser
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import sqlalchemy

BIN = Path(sys.executable).parent
# What a user made for others to act in its name: a kind, and how it is found.
MADE = {
    "application credential": "SELECT id FROM application_credential "
    "WHERE user_id = :user",
    "trust": "SELECT id FROM trust WHERE trustor_user_id = :user "
    "AND deleted_at IS NULL",
    "EC2 credential": "SELECT id FROM credential WHERE user_id = :user "
    "AND type = 'ec2'",
}

FRONT_ENDS = (
    "OS_KEYSTONE_VOMS_APACHE",
    "OS_KEYSTONE_VOMS_UWSGI",
    "OS_KEYSTONE_VOMS_HAPROXY",
)


@dataclass(frozen=True)
class Tools:
    """The commands, with a place for the changed options."""

    settings: object
    place: Path

    def run(self, program, *arguments, environ=None, **options):
        """Run a command, with options of [voms] changed, or of SECTION__option.

        An option of None is left as Keystone has it by default. ``environ`` adds
        to the variables of the command.
        """
        sections = {}
        for name, value in options.items():
            section, _, option = name.rpartition("__")
            sections.setdefault(section or "voms", {})[option] = value
        config = configparser.ConfigParser(interpolation=None)
        config.read(self.settings.etc / "keystone.conf")
        for section, values in sections.items():
            for option, value in values.items():
                if value is None:
                    config.remove_option(section, option)
                else:
                    config.set(section, option, str(value))
        path = self.place / "keystone.conf"
        with path.open("w") as file:
            config.write(file)
        keep = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
        return subprocess.run(
            [BIN / program, *map(str, arguments)],
            env={
                **keep,
                "OS_KEYSTONE_CONFIG_DIR": str(self.place),
                # The machine may have an Apache, which is not the lab's.
                **{name: str(self.place / "absent") for name in FRONT_ENDS},
                **(environ or {}),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    def manage(self, *arguments, **options):
        return self.run("keystone-voms-manage", *arguments, **options)

    def map(self, *arguments, **options):
        """Return what a login would do, and see that the status says the same."""
        done = self.manage("map", *arguments, "--json", **options)
        assert done.returncode in (0, 1), done.stderr
        found = json.loads(done.stdout)
        assert (found["verdict"] == "accept") == (done.returncode == 0)
        return found

    def users(self):
        """Return the listed users by name."""
        done = self.manage("users", "--json")
        assert done.returncode == 0, done.stderr
        return {user["name"]: user for user in json.loads(done.stdout)}

    @cached_property
    def _engine(self):
        config = configparser.ConfigParser(interpolation=None)
        config.read(self.settings.etc / "keystone.conf")
        return sqlalchemy.create_engine(
            config["database"]["connection"], pool_size=1, pool_pre_ping=True
        )

    @cached_property
    def _tables(self):
        return sqlalchemy.inspect(self._engine).get_table_names()

    def sql(self, statement, **values):
        """Run a statement beside Keystone; return the rows of a SELECT."""
        with self._engine.begin() as connection:
            done = connection.execute(sqlalchemy.text(statement), values)
            return done.all() if done.returns_rows else done.rowcount

    def dump(self):
        """Return all rows of all tables."""
        with self._engine.begin() as connection:
            return {
                table: sorted(
                    map(
                        repr,
                        connection.execute(sqlalchemy.text(f"SELECT * FROM `{table}`")),
                    )
                )
                for table in self._tables
            }

    def made_by(self, user):
        """Return the kind and id of all that a user made."""
        return {
            (kind, row.id)
            for kind, query in MADE.items()
            for row in self.sql(query, user=user)
        }

    def revocations(self, user):
        """Return how often all tokens of a user were revoked."""
        query = (
            "SELECT COUNT(*) AS n FROM revocation_event "
            "WHERE user_id = :user AND audit_id IS NULL AND audit_chain_id IS NULL"
        )
        return self.sql(query, user=user)[0].n


def changed(before, after):
    """Return the tables in which two dumps differ."""
    return {table for table in before if before[table] != after[table]}
