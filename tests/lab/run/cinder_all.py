# SPDX-License-Identifier: Apache-2.0
"""Cinder's API, volume service and scheduler in one process.

Owns their order of start and stop. They talk over oslo.messaging's in-process
transport, so they must never be split over processes. Read main.

Command: python -m tests.lab.run.cinder_all PORT CONFIG_FILE
"""

import sys
from collections.abc import Callable
from typing import Any

from cinder import monkey_patch

# Before anything else of Cinder is imported; the environment tells it to keep
# the native threads.
monkey_patch.patch()

import os_brick  # noqa: E402
from cinder import rpc, service  # noqa: E402
from cinder.cmd import volume as volume_command  # noqa: E402
from cinder.common import constants  # noqa: E402
from cinder.wsgi import wsgi  # noqa: E402
from oslo_config import cfg  # noqa: E402

from tests.lab.run.wsgi_server import (  # noqa: E402
    new_server,
    serve_until_stopped,
    stopped_at_the_end,
)

CONF = cfg.CONF


def main() -> None:
    port, config = int(sys.argv[1]), sys.argv[2]
    sys.argv[1:] = ["--config-file", config]
    application = wsgi.initialize_application()
    os_brick.setup(CONF)
    with stopped_at_the_end() as stops:
        stops.append(rpc.cleanup)
        for backend in CONF.enabled_backends:
            CONF.register_opt(volume_command.host_opt, group=backend)
            _start(
                stops,
                host=f"{CONF.host}@{backend}",
                service_name=backend,
                binary=constants.VOLUME_BINARY,
                coordination=True,
            )
        # It asks the volume services for their capabilities as it starts.
        _start(stops, binary="cinder-scheduler")
        serve_until_stopped(new_server(application, port), stops)


def _start(stops: list[Callable[[], object]], **options: Any) -> None:
    worker = service.Service.create(**options)
    stops.append(worker.stop)
    worker.start()


if __name__ == "__main__":
    main()
