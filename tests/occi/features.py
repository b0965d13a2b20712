# SPDX-License-Identifier: Apache-2.0
"""The feature table: all rows, in the order in which they are shown.

Must never: hold a row of its own. Read infrastructure and protocol.
"""

from tests.occi.infrastructure import INFRASTRUCTURE
from tests.occi.protocol import PROTOCOL

FEATURES = (*INFRASTRUCTURE, *PROTOCOL)
