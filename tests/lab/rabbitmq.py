# SPDX-License-Identifier: Apache-2.0
"""The lab's own RabbitMQ, and the epmd that knows its port.

Owns LAB_ROOT/rabbitmq: a node of one, on loopback. It must never meet the
system's node nor that of another lab: epmd, which would bring them together, is
a process of each lab, on a port of its own. Read command.
"""

import amqp

from tests.lab import environment
from tests.lab.settings import EPMD, HOST, RABBITMQ, Settings

# /usr/sbin/rabbitmq-server of Debian changes to the system's user first.
PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
ACCOUNT = "lab"
PROBE_SECONDS = 5
# One scheduler that sleeps when there is nothing to do: two processors serve all.
ERLANG = (
    "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none "
    "-kernel inet_dist_use_interface {127,0,0,1}"
)


def command(settings: Settings, service: str) -> list[str]:
    """Return the command of RabbitMQ or of epmd."""
    if service == EPMD:
        program = environment.program("epmd")
        port = settings.port(EPMD)
        return [program, "-address", HOST, "-port", str(port), "-relaxed_command_check"]
    return [PROGRAM]


def environ(settings: Settings) -> dict[str, str]:
    """Return what RabbitMQ learns from its environment alone."""
    folder = settings.root / "rabbitmq"
    return {
        # Without it the script stays between us and the node.
        "RUNNING_UNDER_SYSTEMD": "true",
        "RABBITMQ_NODENAME": "lab@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_DIST_PORT": str(settings.port("rabbitmq-dist")),
        "RABBITMQ_CONFIG_FILE": f"{settings.etc}/rabbitmq.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{settings.etc}/rabbitmq-plugins",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
        "ERL_EPMD_ADDRESS": HOST,
        "ERL_EPMD_PORT": str(settings.port(EPMD)),
    }


def url(settings: Settings, password: str) -> str:
    """Return the transport_url of the services."""
    return f"rabbit://{ACCOUNT}:{password}@{HOST}:{settings.port(RABBITMQ)}/"


def probe(settings: Settings, password: str) -> str:
    """Return why RabbitMQ does not let the services in, or '' when it does."""
    connection = amqp.Connection(
        host=f"{HOST}:{settings.port(RABBITMQ)}",
        userid=ACCOUNT,
        password=password,
        connect_timeout=PROBE_SECONDS,
        read_timeout=PROBE_SECONDS,
        write_timeout=PROBE_SECONDS,
    )
    try:
        connection.connect()
        connection.close()
    except (OSError, amqp.AMQPError) as error:
        return str(error) or type(error).__name__
    return ""
