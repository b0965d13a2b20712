# SPDX-License-Identifier: Apache-2.0
"""Cinder, asked with the user's own token and catalog.

Owns: the paths and bodies of Cinder's API as far as we use it, all of it in
the API's first microversion, 3.0, so any Cinder has it. Must never: know OCCI.
Read first: Cinder.volumes.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ooi_ext.errors import UpstreamError
from ooi_ext.services import Remote

Json = dict[str, Any]

# The name that the service type has today; keystoneauth finds a catalog's
# volumev3 or volumev2 under it too.
SERVICE_TYPE = "block-storage"

_PAGE = 1000  # Cinder's own default of osapi_max_limit


@dataclass(frozen=True)
class Cinder:
    """Cinder as the user of one request sees it.

    `remote` is the service SERVICE_TYPE. Every method raises UpstreamError
    when Cinder refuses or fails. Sizes are in GiB.
    """

    remote: Remote

    def volume_ids(self) -> tuple[str, ...]:
        """Return the ids of the project's volumes."""
        found = self.remote.listed(f"/v3/volumes?limit={_PAGE}", "volumes")
        return tuple(volume["id"] for volume in found)

    def volumes(self) -> tuple[Json, ...]:
        """Return the project's volumes, each with its attachments."""
        return self.remote.listed(f"/v3/volumes/detail?limit={_PAGE}", "volumes")

    def volume(self, volume_id: str) -> Json:
        """Return one volume, with its attachments."""
        return self._volume("GET", _path(volume_id))

    def create(self, body: Json) -> Json:
        """Return the volume that is being made of `body` (POST /volumes)."""
        return self._volume("POST", "/v3/volumes", body)

    def update(self, volume_id: str, changes: Json) -> Json:
        """Return the volume after a change of its name or description."""
        return self._volume("PUT", _path(volume_id), {"volume": changes})

    def delete(self, volume_id: str) -> None:
        """Ask for the end of a volume."""
        self.remote.ask("DELETE", _path(volume_id))

    def extend(self, volume_id: str, size: int) -> None:
        """Ask for a larger size."""
        self._act(volume_id, {"os-extend": {"new_size": size}})

    def snapshot(self, volume_id: str, *, attached: bool) -> None:
        """Ask for a snapshot; one of a volume in use must be told so."""
        body = {"snapshot": {"volume_id": volume_id, "force": attached}}
        self.remote.ask("POST", "/v3/snapshots", body)

    def reserve(self, volume_id: str) -> None:
        """Keep everybody from attaching or deleting an available volume."""
        self._act(volume_id, {"os-reserve": None})

    def unreserve(self, volume_id: str) -> None:
        """Give a reserved volume free; nothing happens to another one."""
        self._act(volume_id, {"os-unreserve": None})

    def set_metadata(self, volume_id: str, name: str, value: str) -> None:
        """Set one item of the metadata that users see."""
        body = {"metadata": {name: value}}
        self.remote.ask("POST", f"{_path(volume_id)}/metadata", body)

    def delete_metadata(self, volume_id: str, name: str) -> None:
        """Delete one item of the metadata that users see."""
        self.remote.ask("DELETE", f"{_path(volume_id)}/metadata/{quote(name)}")

    def _act(self, volume_id: str, body: Json) -> None:
        self.remote.ask("POST", f"{_path(volume_id)}/action", body)

    def _volume(self, method: str, path: str, body: Json | None = None) -> Json:
        found = self.remote.ask(method, path, body).get("volume")
        if not isinstance(found, dict) or "id" not in found:
            raise UpstreamError(
                f"The {self.remote.service} service sent no volume for {path}.",
                service=self.remote.service,
                status=502,
            )
        return found


def _path(volume_id: str) -> str:
    return f"/v3/volumes/{quote(volume_id, safe='')}"
