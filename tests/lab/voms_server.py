# SPDX-License-Identifier: Apache-2.0
"""A real VOMS server for dteam, in a network of its own.

Owns LAB_ROOT/vomsd, the database of the VO and who is in it. The server listens
on every address, so it must never run in the machine's own network. Its
certificate is one of the grid's CA with the DN that the grid's LSC file has.
Read prepare, membership and command.
"""

import os
from pathlib import Path

import pymysql

from tests.grid.accounts import ACCOUNTS, CA_DNS, SERVERS, person_dn
from tests.grid.certs import make_host
from tests.grid.grid import Grid
from tests.grid.reissue import write_private
from tests.lab import environment
from tests.lab.errors import LabError
from tests.lab.settings import HOST, VOMSD, Settings

VO = "dteam"
DATABASE = "voms_dteam"
ACCOUNT = "voms"
PROGRAM = "voms"
LIBRARY = "/usr/lib/voms/libvomsmysql.so"
MEMBERS = tuple(
    account
    for account in ACCOUNTS.values()
    if account.vo == VO and account.name != "revoked"
)
LISTENING = "0A"

# What the server reads of VOMS-Admin's schema, version 3. A name differs from
# another by its case as well, or one user would get another's groups.
SCHEMA = (
    "version (version INT)",
    "ca (cid SMALLINT, subject_string VARCHAR(255))",
    "certificate (usr_id BIGINT, ca_id SMALLINT, subject_string VARCHAR(255), "
    "suspended BIT NOT NULL DEFAULT 0, suspended_reason VARCHAR(255))",
    "`groups` (gid BIGINT, dn VARCHAR(255))",
    "roles (rid BIGINT, role VARCHAR(255))",
    "m (userid BIGINT, gid BIGINT, rid BIGINT NULL)",
    "attributes (a_id BIGINT, a_name VARCHAR(255))",
    "usr_attrs (a_id BIGINT, u_id BIGINT, a_value VARCHAR(255))",
    "group_attrs (a_id BIGINT, g_id BIGINT, a_value VARCHAR(255))",
    "role_attrs (a_id BIGINT, g_id BIGINT, r_id BIGINT, a_value VARCHAR(255))",
)
SCHEMA_VERSION = 3

Statement = tuple[str, tuple[object, ...]]


def init_sql(password: str) -> list[str]:
    """Return the statements that make the database and the server's account.

    The server comes by MariaDB's own socket, and may only read.
    """
    account = f"{ACCOUNT}@'localhost'"
    return [
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} "
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
        f"GRANT ALL ON {DATABASE}.* TO lab@'{HOST}';",
        f"CREATE OR REPLACE USER {account} IDENTIFIED BY '{password}';",
        f"GRANT SELECT ON {DATABASE}.* TO {account};",
    ]


def prepare(settings: Settings, password: str) -> None:
    """Write the server's files for the grid there is, and the members of its VO."""
    folder = settings.root / "vomsd"
    secret = folder / "password"
    secret.unlink(missing_ok=True)
    descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{password}\n")
    # The server refuses any other mode, whatever the umask says.
    secret.chmod(0o640)
    _write_certificate(settings, folder)
    server = SERVERS[VO]
    line = (VO, "localhost", str(settings.port(VOMSD)), server.dn, VO)
    vomses(settings).write_text(" ".join(f'"{word}"' for word in line) + "\n")
    vomses(settings).chmod(0o644)
    execute(settings, password, membership())


def vomses(settings: Settings) -> Path:
    """Return the file that tells clients where the server is."""
    return settings.root / "vomsd/vomses"


def command(settings: Settings) -> list[str]:
    """Return the command of the server, in its network, in the foreground."""
    python, program = f"{settings.venv}/bin/python", environment.program(PROGRAM)
    server = [program, "--debug", "--conf", f"{settings.etc}/vomsd.conf"]
    return [python, "-m", "tests.lab.run.network", "new", *server]


def membership() -> list[Statement]:
    """Return the statements that make the tables and enrol the members anew."""
    found: list[Statement] = [
        (f"CREATE OR REPLACE TABLE {table}", ()) for table in SCHEMA
    ]
    found.append(("INSERT version VALUES (%s)", (SCHEMA_VERSION,)))
    authorities = {name: number for number, name in enumerate(CA_DNS, 1)}
    for name, number in authorities.items():
        found.append(("INSERT ca VALUES (%s, %s)", (number, CA_DNS[name])))
    places = [
        (number, _group_and_role(fqan))
        for number, account in enumerate(MEMBERS, 1)
        for fqan in account.fqans
    ]
    groups = _numbers(group for _, (group, _) in places)
    roles = _numbers(role for _, (_, role) in places if role)
    for group, number in groups.items():
        found.append(("INSERT `groups` VALUES (%s, %s)", (number, group)))
    for role, number in roles.items():
        found.append(("INSERT roles VALUES (%s, %s)", (number, role)))
    for number, account in enumerate(MEMBERS, 1):
        row = (number, authorities[account.ca], account.dn)
        columns = "(usr_id, ca_id, subject_string)"
        found.append((f"INSERT certificate {columns} VALUES (%s, %s, %s)", row))
    for user, (group, role) in places:
        place = (user, groups[group], roles[role] if role else None)
        found.append(("INSERT m VALUES (%s, %s, %s)", place))
    return found


def suspension(name: str, reason: str) -> list[Statement]:
    """Return the statement that suspends a member, or with '' ends that."""
    text = (
        "UPDATE certificate SET suspended = %s, suspended_reason = %s "
        "WHERE subject_string = %s"
    )
    return [(text, (int(bool(reason)), reason or None, person_dn(name)))]


def execute(settings: Settings, password: str, statements: list[Statement]) -> None:
    """Run statements in the database of the VO, all of them or LabError."""
    try:
        connection = pymysql.connect(
            host=HOST,
            port=settings.port("mariadb"),
            user="lab",
            password=password,
            database=DATABASE,
        )
        with connection, connection.cursor() as cursor:
            for text, values in statements:
                cursor.execute(text, values)
            connection.commit()
    except pymysql.MySQLError as error:
        raise LabError(f"The members of {VO} cannot be written: {error}") from error


def probe(settings: Settings, pid: int) -> str:
    """Return why the server does not listen in a network of its own, or ''."""
    try:
        if os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            return "it has no network of its own yet"
        table = Path(f"/proc/{pid}/net/tcp").read_text()
    except OSError as error:
        return str(error)
    port = f"{settings.port(VOMSD):04X}"
    for line in table.splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == LISTENING and local.endswith(f":{port}"):
            return ""
    return f"nobody listens on port {settings.port(VOMSD)} of its network"


def _write_certificate(settings: Settings, folder: Path) -> None:
    grid, server = Grid(settings.grid), SERVERS[VO]
    given = grid.voms(VO).load().certificate
    made = make_host(
        server.dn,
        issuer=grid.authority(server.ca).load(),
        # The Java client wants the name by which it calls the server.
        dns=(server.host, "localhost"),
        not_before=given.not_valid_before_utc,
        not_after=given.not_valid_after_utc,
    )
    (folder / "hostcert.pem").write_bytes(made.certificate_pem())
    write_private(folder / "hostkey.pem", made.key_pem())


def _group_and_role(fqan: str) -> tuple[str, str]:
    """Return the two parts of a long FQAN; the role NULL is ''."""
    group, _, rest = fqan.partition("/Role=")
    role = rest.partition("/")[0]
    return group, "" if role == "NULL" else role


def _numbers(names) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names), 1)}
