# SPDX-License-Identifier: Apache-2.0
"""Hands the build to pbr; all metadata is in setup.cfg."""

import setuptools

setuptools.setup(setup_requires=["pbr>=7.0"], pbr=True)
