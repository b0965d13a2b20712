# SPDX-License-Identifier: Apache-2.0
"""One of Cinder's workers in a process of its own, as its command would run it.

Owns nothing but the choice of the command; the environment has the path of the
lab's driver. It must never serve an API. Read main.

Command: python -m tests.lab.run.cinder_worker cinder-volume --config-file FILE
"""

import importlib
import sys


def main() -> None:
    binary = sys.argv.pop(1)
    sys.argv[0] = binary
    importlib.import_module(f"cinder.cmd.{binary.removeprefix('cinder-')}").main()


if __name__ == "__main__":
    main()
