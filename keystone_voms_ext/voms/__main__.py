# SPDX-License-Identifier: Apache-2.0
"""``python -m keystone_voms_ext.voms`` is ``voms-explain``."""

import sys

from keystone_voms_ext.voms.explain import main

sys.exit(main())
