# SPDX-License-Identifier: Apache-2.0
"""Nova's API, conductor, scheduler and compute in one process.

Owns their order of start and stop. They talk over oslo.messaging's in-process
transport, so they must never be split over processes. Read main.

Command: python -m tests.lab.run.nova_all PORT CA_FILE URL... ; it starts when
the URLs (Keystone's and Placement's) are answered.
"""

import sys
from collections.abc import Callable

from nova import monkey_patch

# Before anything else of Nova is imported, as its own commands do.
monkey_patch.patch(backend="threading")

import nova.conf  # noqa: E402
import os_brick  # noqa: E402
import os_vif  # noqa: E402
from nova import context, objects, rpc, service  # noqa: E402
from nova.api.openstack import wsgi_app  # noqa: E402
from nova.compute import rpcapi as compute_rpcapi  # noqa: E402
from nova.conductor import rpcapi as conductor_rpcapi  # noqa: E402
from nova.objects import host_mapping  # noqa: E402
from nova.scheduler import rpcapi as scheduler_rpcapi  # noqa: E402

from tests.lab.drivers import virt  # noqa: E402
from tests.lab.run.wsgi_server import (  # noqa: E402
    new_server,
    serve_until_stopped,
    stopped_at_the_end,
    wait_for_answer,
)

# Nova looks for drivers below nova.virt only: `compute_driver = lab.LabDriver`.
sys.modules["nova.virt.lab"] = virt


def main() -> None:
    port, ca_file, urls = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    del sys.argv[1:]
    wait_for_answer(urls, ca_file)
    application = wsgi_app.init_application("osapi_compute", "nova-api-os-compute")
    os_brick.setup(nova.conf.CONF)
    os_vif.initialize()
    objects.Service.enable_min_version_cache()
    with stopped_at_the_end() as stops:
        stops.append(rpc.cleanup)
        _start(stops, "nova-conductor", conductor_rpcapi.RPC_TOPIC)
        _start(stops, "nova-scheduler", scheduler_rpcapi.RPC_TOPIC)
        _start(
            stops,
            "nova-compute",
            compute_rpcapi.RPC_TOPIC,
            topic_alt=compute_rpcapi.RPC_TOPIC_ALT,
        )
        # The first compute of a cell is unknown until it is looked for; the
        # first server must not have to wait for the scheduler's own look-out.
        host_mapping.discover_hosts(context.get_admin_context())
        serve_until_stopped(new_server(application, port), stops)


def _start(
    stops: list[Callable[[], object]], binary: str, topic: str, **options: str
) -> None:
    worker = service.Service.create(binary=binary, topic=topic, **options)
    stops.append(worker.stop)
    worker.start()


if __name__ == "__main__":
    main()
