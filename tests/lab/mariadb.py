# SPDX-License-Identifier: Apache-2.0
"""The lab's own MariaDB: its data folder, its command line, its one account.

Owns LAB_ROOT/mysql. It must never use the system's configuration or data, nor
leave an account without a password. Read command and prepare.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pymysql

from tests.lab import environment, voms_server
from tests.lab.errors import LabError
from tests.lab.settings import DATABASES, HOST, Settings
from tests.lab.supervisor import last_error_line

ACCOUNT = "lab"
PROBE_SECONDS = 5


def prepare(settings: Settings, password: str) -> None:
    """Make the data folder if there is none, and what MariaDB runs as it starts."""
    if not _data(settings).exists():
        _install(settings)
    script = _init_file(settings)
    script.touch(mode=0o600)
    text = init_sql(password)
    if settings.is_production:
        text += "\n".join(voms_server.init_sql(password)) + "\n"
    script.write_text(text)


def command(settings: Settings) -> list[str]:
    """Return the command that serves the data folder on loopback."""
    return [
        environment.program("mariadbd"),
        "--no-defaults",
        f"--datadir={_data(settings)}",
        f"--port={settings.port('mariadb')}",
        f"--bind-address={HOST}",
        # Relative to the data folder: a deep LAB_ROOT would be longer than the
        # 107 bytes that a socket's name may have.
        "--socket=lab.sock",
        "--pid-file=lab.pid",
        f"--init-file={_init_file(settings)}",
        *_as_root(),
        "--skip-log-bin",
        "--skip-name-resolve",
        # As an operator's Keystone has it: two names that differ in case or
        # accents are equal to this collation.
        "--character-set-server=utf8mb3",
        "--collation-server=utf8mb3_general_ci",
        "--max-connections=400",
        # Nothing here has to survive a power cut; all of it has to be small.
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-log-file-size=16M",
        "--innodb-buffer-pool-size=96M",
        "--aria-pagecache-buffer-size=8M",
        "--key-buffer-size=1M",
        "--performance-schema=OFF",
    ]


def init_sql(password: str) -> str:
    """Return the statements, one a line, that make databases and account."""
    account = f"{ACCOUNT}@'{HOST}'"
    lines = [
        "DELETE FROM mysql.global_priv "
        f"WHERE User NOT IN ('{ACCOUNT}', 'mariadb.sys');",
        "FLUSH PRIVILEGES;",
        f"CREATE OR REPLACE USER {account} IDENTIFIED BY '{password}';",
    ]
    for name in DATABASES:
        lines.append(f"CREATE DATABASE IF NOT EXISTS {name};")
        lines.append(f"GRANT ALL ON {name}.* TO {account};")
    return "\n".join(lines) + "\n"


def probe(settings: Settings, password: str) -> str:
    """Return why MariaDB does not answer a query, or '' when it does."""
    try:
        connection = pymysql.connect(
            host=HOST,
            port=settings.port("mariadb"),
            user=ACCOUNT,
            password=password,
            database=DATABASES[0],
            connect_timeout=PROBE_SECONDS,
            read_timeout=PROBE_SECONDS,
        )
    except pymysql.MySQLError as error:
        return str(error.args[-1])
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except pymysql.MySQLError as error:
        return str(error.args[-1])
    finally:
        connection.close()
    return ""


def _install(settings: Settings) -> None:
    # Under another name until it is whole, as a broken one looks the same.
    draft = settings.root / "mysql.new"
    shutil.rmtree(draft, ignore_errors=True)
    log = settings.log("mariadb-install")
    with log.open("wb") as output:
        result = subprocess.run(
            [
                environment.program("mariadb-install-db"),
                "--no-defaults",
                # Relative, for the script splits a path at its spaces.
                f"--datadir=./{draft.name}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *_as_root(),
            ],
            cwd=settings.root,
            env=environment.for_service(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    if result.returncode:
        raise LabError(f"mariadb-install-db failed; log {log}: {last_error_line(log)}")
    draft.rename(_data(settings))


def _as_root() -> list[str]:
    # MariaDB refuses root unless root is asked for by name.
    return ["--user=root"] if os.getuid() == 0 else []


def _data(settings: Settings) -> Path:
    return settings.root / "mysql"


def _init_file(settings: Settings) -> Path:
    return settings.etc / "mariadb-init.sql"
