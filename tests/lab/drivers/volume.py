# SPDX-License-Identifier: Apache-2.0
"""A Cinder backend whose volumes exist only in the database.

Owns the promise that every operation on a volume succeeds at once. It must
never be used with a real hypervisor: a connection is of type `fake`, which
only Nova's fake driver takes. Read LabVolumeDriver.
"""

import io

from cinder import interface
from cinder.volume import driver

CAPACITY_GB = 10_000
IMAGE_BYTES = 512


@interface.volumedriver
class LabVolumeDriver(driver.VolumeDriver):
    """Answers every request of the volume manager without storing anything."""

    VERSION = "1.0"
    CI_WIKI_NAME = "none"

    def do_setup(self, context):
        """There is no array to log in to."""

    def check_for_setup_error(self):
        """There is no array that could be missing."""

    def create_volume(self, volume):
        return {}

    def delete_volume(self, volume):
        """The manager removes the database row; there is nothing else."""

    def create_snapshot(self, snapshot):
        """A snapshot is its database row."""

    def delete_snapshot(self, snapshot):
        """The manager removes the database row; there is nothing else."""

    def create_volume_from_snapshot(self, volume, snapshot):
        """A new row is all there is to a copy."""

    def create_cloned_volume(self, volume, src_vref):
        """A new row is all there is to a copy."""

    def extend_volume(self, volume, new_size):
        """The manager writes the new size."""

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        # True: cloned by the backend, so the manager copies no bytes itself.
        return {}, True

    def copy_image_to_volume(
        self, context, volume, image_service, image_id, disable_sparse=False
    ):
        """Never reached with data: clone_image takes every image."""

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        image_service.update(
            context, image_meta["id"], {}, io.BytesIO(bytes(IMAGE_BYTES))
        )

    def ensure_export(self, context, volume):
        """Nothing is exported."""

    def create_export(self, context, volume, connector):
        """Nothing is exported."""

    def remove_export(self, context, volume):
        """Nothing is exported."""

    def initialize_connection(self, volume, connector):
        return {"driver_volume_type": "fake", "data": {"access_mode": "rw"}}

    def terminate_connection(self, volume, connector, **kwargs):
        """There is no connection."""

    def _update_volume_stats(self):
        name = self.configuration.safe_get("volume_backend_name")
        self._stats = {
            "volume_backend_name": name,
            "vendor_name": "lab",
            "driver_version": self.VERSION,
            "storage_protocol": "fake",
            "pools": [
                {
                    "pool_name": name,
                    "total_capacity_gb": CAPACITY_GB,
                    "free_capacity_gb": CAPACITY_GB,
                    "provisioned_capacity_gb": 0,
                    "allocated_capacity_gb": 0,
                    "reserved_percentage": 0,
                    "max_over_subscription_ratio": 20.0,
                    "thin_provisioning_support": True,
                    "multiattach": True,
                }
            ],
        }
