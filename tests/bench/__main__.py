# SPDX-License-Identifier: Apache-2.0
"""``make bench``: costs as ratios, taken side by side in one run.

Owns the list of parts; ``python -m tests.bench voms`` runs one. A goal that is
missed is printed, and is no failure. Read ``PARTS`` first.
"""

import argparse
import signal
import sys

from tests.bench import isolation, keystone, occi, voms

PARTS = {
    "voms": voms.run,
    "keystone": keystone.run,
    "occi": occi.run,
    "isolation": isolation.run,
}


def main() -> int:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    # As Ctrl-C does, so that a part that is told to end stops what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for name in parser.parse_args().parts or PARTS:
        PARTS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
