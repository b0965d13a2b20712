# SPDX-License-Identifier: Apache-2.0
"""Nova's fake hypervisor, made to outlive its process.

Owns the machines that exist only in memory. It must never forget one that the
database still has: a restarted lab would report every machine as lost. Read
LabDriver.init_host.
"""

import io

from nova import context as nova_context
from nova import objects
from nova.compute import task_states
from nova.image import glance
from nova.virt import fake

SNAPSHOT_BYTES = 1024


class LabDriver(fake.FakeDriverWithoutFakeNodes):
    """The stock fake driver plus memory, snapshots and a console text."""

    capabilities = {
        **fake.FakeDriver.capabilities,
        "supports_migrate_to_same_host": True,
    }

    def init_host(self, host):
        super().init_host(host)
        context = nova_context.get_admin_context()
        for instance in objects.InstanceList.get_by_host(context, host):
            self.instances.setdefault(
                instance.uuid,
                fake.FakeInstance(instance.name, instance.power_state, instance.uuid),
            )

    def snapshot(self, context, instance, image_id, update_task_state):
        # The stock driver uploads nothing and leaves the image queued for ever.
        update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
        update_task_state(
            task_state=task_states.IMAGE_UPLOADING,
            expected_state=task_states.IMAGE_PENDING_UPLOAD,
        )
        glance.get_default_image_service().update(
            context,
            image_id,
            {"disk_format": "raw", "container_format": "bare"},
            io.BytesIO(bytes(SNAPSHOT_BYTES)),
            purge_props=False,
        )

    def get_console_output(self, context, instance):
        return f"lab console of {instance.uuid}\nlogin:"
