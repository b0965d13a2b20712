# SPDX-License-Identifier: Apache-2.0
"""One of Nova's workers in a process of its own, as its command would run it.

Owns nothing but the lab's hypervisor, which Nova looks for in its own package. It
must never serve an API. Read main.

Command: python -m tests.lab.run.nova_worker nova-compute --config-file FILE
"""

import importlib
import sys

from nova import monkey_patch

# Before anything else of Nova is imported, as its own commands do.
monkey_patch.patch(backend="threading")


def main() -> None:
    binary = sys.argv.pop(1)
    # Nova takes its name, and the topic that it listens to, from its command.
    sys.argv[0] = binary
    if binary == "nova-compute":
        from tests.lab.drivers import virt

        # Nova looks for drivers below nova.virt only: lab.LabDriver.
        sys.modules["nova.virt.lab"] = virt
    name = binary.removeprefix("nova-")
    importlib.import_module(f"nova.cmd.{name}").main()


if __name__ == "__main__":
    main()
