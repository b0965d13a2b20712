# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration of the documentation."""

extensions = ["openstackdocstheme", "oslo_config.sphinxext"]
project = "fedcloud-openstack"
copyright = "the fedcloud-openstack developers"  # noqa: A001
html_theme = "openstackdocs"
openstackdocs_repo_name = ""
openstackdocs_pdf_link = False
openstackdocs_auto_name = False
master_doc = "index"
nitpicky = True
