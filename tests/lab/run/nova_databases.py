# SPDX-License-Identifier: Apache-2.0
"""Makes Nova's three databases and its cell in one interpreter.

Owns what `nova-manage` does in four commands, whose second would already find
the database connections of the first in use. It must be safe to run again. Read
main.

Command: python -m tests.lab.run.nova_databases CONFIG_FILE
"""

import sys

from nova import config, context, objects
from nova.cmd import manage
from nova.conf import CONF

CELL = "cell1"
# Nova fills these in from its own [database] connection, so a kept root may
# move to other ports.
CELL_URL = "{scheme}://{username}:{password}@{hostname}:{port}/{path}?{query}"
QUEUE_URL = "{scheme}://{username}:{password}@{hostname}:{port}/"
IN_PROCESS = "fake://"
CELL0_URL = CELL_URL.replace("{path}", "nova_cell0")


def main() -> None:
    config.parse_args(["nova-manage", "--config-file", sys.argv[1]])
    objects.register_all()
    cells = manage.CellV2Commands()
    steps = (
        ("api_db sync", manage.ApiDbCommands().sync),
        ("map_cell0", lambda: cells.map_cell0(CELL0_URL)),
        ("db sync", manage.DbCommands().sync),
        ("create_cell", lambda: _create_cell(cells)),
    )
    for name, step in steps:
        status = step()
        if status:
            sys.exit(f"Error: nova-manage {name} ended with status {status}")


def _create_cell(cells: manage.CellV2Commands) -> int:
    known = objects.CellMappingList.get_all(context.get_admin_context())
    if any(cell.name == CELL for cell in known):
        return 0
    return cells.create_cell(
        name=CELL, database_connection=CELL_URL, transport_url=_transport_url()
    )


def _transport_url() -> str:
    """Return the cell's: within one process as it is, else to be filled in by Nova."""
    return IN_PROCESS if CONF.transport_url == IN_PROCESS else QUEUE_URL


if __name__ == "__main__":
    main()
