# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with the lab, as one exception that a person can act on.

Owns the error type of this package. It must never carry a trace: its text says
what failed, where to look and how to mend it. Read LabError.
"""


class LabError(Exception):
    """The lab cannot do what was asked; the text says why and what to do."""
