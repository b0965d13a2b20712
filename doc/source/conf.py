# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration of the documentation."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

extensions = ["openstackdocstheme", "oslo_config.sphinxext", "codes_table"]
project = "fedcloud-openstack"
copyright = "the fedcloud-openstack developers"  # noqa: A001
html_theme = "openstackdocs"
openstackdocs_repo_name = ""
openstackdocs_pdf_link = False
openstackdocs_auto_name = False
master_doc = "index"
nitpicky = True
