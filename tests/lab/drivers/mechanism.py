# SPDX-License-Identifier: Apache-2.0
"""A Neutron mechanism driver for a lab without agents.

Owns the binding of ports: every port, on every host, is bound at once and
ACTIVE. It must never be taken for networking; it wires nothing. Read bind_port.
"""

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class LabMechanismDriver(api.MechanismDriver):
    """Binds a port to the first segment that is offered."""

    def initialize(self):
        """There is nothing to prepare; the base class asks for the method."""

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context):
        segment = context.segments_to_bind[0]
        details = {
            portbindings.CAP_PORT_FILTER: True,
            portbindings.VIF_DETAILS_CONNECTIVITY: self.connectivity,
        }
        context.set_binding(
            segment[api.ID],
            portbindings.VIF_TYPE_OVS,
            details,
            status=constants.PORT_STATUS_ACTIVE,
        )
