# SPDX-License-Identifier: Apache-2.0
"""``make bench``: costs as ratios, taken side by side in one run.

Absolute times say little on a shared machine, so each figure is compared with
a floor that is measured in the same rounds. It asserts nothing. Read
``validation`` first.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from keystone_voms_ext.voms.chain import certificates_from_pem
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import validate
from tests.grid.grid import make_grid

ROUNDS = 300
# Of the proxy, the user's certificate, the AC, and the certificate of its signer.
SIGNATURES = 4


def microseconds(*actions: Callable[[], object]) -> list[float]:
    """Return the median time of each action; they take turns in every round."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(ROUNDS):
        for action, taken in zip(actions, times, strict=True):
            begin = time.perf_counter()
            action()
            taken.append((time.perf_counter() - begin) * 1e6)
    return [statistics.median(taken) for taken in times]


def validation() -> None:
    """Print what validating a proxy costs, against its four signatures alone."""
    with tempfile.TemporaryDirectory() as place:
        grid = make_grid(Path(place) / "grid")
        chain = certificates_from_pem(grid.proxy("alice").read_bytes())
        trust, vomsdir = TrustStore(grid.certificates), Vomsdir(grid.vomsdir)
        at = datetime.now(UTC)

        root = grid.authority("root").load().certificate
        key = root.public_key()

        def floor() -> None:
            """Parse the chain and check as many RSA signatures as a login has."""
            for der in chain:
                x509.load_der_x509_certificate(der)
            for _ in range(SIGNATURES):
                key.verify(
                    root.signature, root.tbs_certificate_bytes, PKCS1v15(), SHA256()
                )

        def whole() -> None:
            validate(chain, trust=trust, vomsdir=vomsdir, at=at)

        whole()
        low, high = microseconds(floor, whole)
    print(f"validation: floor (4 RSA-2048 checks and parsing)  {low:8.0f} us  1.0")
    print(
        f"validation: a proxy with one AC, warm              {high:8.0f} us  "
        f"{high / low:.1f}"
    )


if __name__ == "__main__":
    validation()
    sys.exit(0)
