# SPDX-License-Identifier: Apache-2.0
"""The table: all rows of single changes, good and bad, in the order of the files.

Owns the list of the modules that hold rows; a new one is a line here. Must
never hold a row or judge one.
Read first: CASES.
"""

from __future__ import annotations

from tests.unit.voms import (
    cases_acs,
    cases_attributes,
    cases_certificates,
    cases_crls,
    cases_der,
    cases_lsc,
    cases_names,
    cases_paths,
    cases_pem,
    cases_policies,
    cases_proxies,
    cases_real,
    cases_signers,
)

MODULES = (
    cases_pem,
    cases_der,
    cases_certificates,
    cases_names,
    cases_paths,
    cases_crls,
    cases_policies,
    cases_proxies,
    cases_acs,
    cases_attributes,
    cases_lsc,
    cases_signers,
    cases_real,
)
CASES = tuple(case for module in MODULES for case in module.CASES)
GOOD = tuple(case for case in CASES if case.code is None)
BAD = tuple(case for case in CASES if case.code is not None)
