# SPDX-License-Identifier: Apache-2.0
"""What Tempest asks of a plugin.

Owns: where the tests are, and that Tempest knows their options. Must never: decide
what runs; the tests and the options do. Read first: FedcloudPlugin.
"""

from pathlib import Path
from typing import Any

from tempest.test_discover import plugins

from fedcloud_tempest_plugin import config


class FedcloudPlugin(plugins.TempestPlugin):
    """Tests of VOMS logins, OCCI and isolation."""

    def load_tests(self) -> tuple[str, str]:
        """Return the folder of the tests, and the folder that the package is in."""
        package = Path(__file__).parent
        return str(package / "tests"), str(package.parent)

    def register_opts(self, conf: Any) -> None:
        """Make the options known to Tempest's configuration."""
        for group, options in config.list_opts():
            conf.register_group(group)
            conf.register_opts(options, group=group)

    def get_opt_lists(self) -> list[tuple[str, list[Any]]]:
        """Return the options by the name of their group, for the sample file."""
        return [(group.name, options) for group, options in config.list_opts()]
