# SPDX-License-Identifier: Apache-2.0
"""The other OpenStack services, asked with the user's own token and catalog.

Owns: the shared connections, time-outs and what it means when a service is
down. Must never: hold anything of one request on Services, or authenticate
as anybody but the user. Read first: Services.images.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from keystoneauth1 import exceptions
from keystoneauth1.session import Session
from oslo_log import log as logging

from ooi_ext.errors import UpstreamError

LOG = logging.getLogger(__name__)

Json = dict[str, Any]

_PAGE = 1000  # Glance's own default of api_limit_max


@dataclass(frozen=True, kw_only=True)
class Services:
    """One per process: where to look for the services and how to reach them."""

    session: Session
    interface: str = "public"
    region_name: str = ""
    timeout_seconds: int = 20

    def images(self, auth: Any) -> tuple[Json, ...]:
        """Return the images, ready for use, that the user can see.

        `auth` is the plugin that authtoken left in the environ
        (keystone.token_auth). Raises UpstreamError.
        """
        found: list[Json] = []
        # Glance names the next page from its root: /v2/images?marker=...
        path = f"/v2/images?status=active&limit={_PAGE}"
        while path:
            page = self._get(auth, "image", path)
            found += page.get("images", ())
            path = page.get("next") or ""
        return tuple(found)

    def ask(
        self,
        auth: Any,
        service: str,
        method: str,
        path: str,
        body: Json | None = None,
    ) -> Json | None:
        """Return a service's JSON for one request, None if the answer is empty.

        `service` is a type of the catalog (image, network, volumev3); `path`
        stands below its endpoint without a version, quoted, with its query.
        Raises UpstreamError: with the service's own status when it refuses,
        502 when its answer makes no sense, 503 when it does not answer.
        """
        if auth is None:
            raise UpstreamError(
                f"The {service} service cannot be asked without the user's token.",
                service=service,
                status=503,
                mend="The filter authtoken must stand before occi in the pipeline.",
            )
        try:
            answer = self.session.request(
                self._endpoint(auth, service) + path,
                method,
                auth=auth,
                json=body,
                headers={"Accept": "application/json"},
                timeout=self.timeout_seconds,
                # Each service tells the reason in a form of its own.
                raise_exc=False,
            )
            if answer.status_code >= 400:
                raise _refusal(service, answer.status_code, answer.content)
            if not answer.content:
                return None
            found = answer.json()
        except exceptions.ClientException as error:
            raise _failure(service, error) from error
        except ValueError as error:
            raise UpstreamError(
                f"The {service} service sent no JSON for {path}.",
                service=service,
                status=502,
            ) from error
        if not isinstance(found, dict):
            raise UpstreamError(
                f"The {service} service sent something unknown for {path}.",
                service=service,
                status=502,
            )
        return found

    def _get(self, auth: Any, service: str, path: str) -> Json:
        try:
            return self.ask(auth, service, "GET", path) or {}
        except UpstreamError as error:
            # A list that every such service has: what refuses it is another one.
            error.status = 503 if error.status in (400, 404) else error.status
            raise

    def _endpoint(self, auth: Any, service: str) -> str:
        found = auth.get_endpoint(
            self.session,
            service_type=service,
            interface=self.interface,
            region_name=self.region_name or None,
            # The catalog is enough: no request to discover versions.
            skip_discovery=True,
        )
        if not found:
            raise UpstreamError(
                f"The catalog of this token has no {self.interface} endpoint of the "
                f"{service} service.",
                service=service,
                status=503,
            )
        # Some catalogs name a version, and Cinder's a project below it.
        return re.sub(r"(/v[0-9.]+(/[^/]+)?)?/*$", "", str(found))


def _failure(service: str, error: exceptions.ClientException) -> UpstreamError:
    # The reason may name internal addresses: it goes to the log only.
    LOG.warning("code=service_failed service=%s: %s", service, error)
    return _silent(service)


def _silent(service: str) -> UpstreamError:
    return UpstreamError(
        f"The {service} service does not answer.",
        service=service,
        status=503,
        mend="Try again later.",
    )


def _refusal(service: str, status: int, raw: bytes) -> UpstreamError:
    message = _message(raw)
    if status in (400, 404, 409, 413, 429):
        return UpstreamError(
            f"The {service} service refused: {message or 'it gave no reason.'}",
            service=service,
            status=status,
        )
    LOG.warning(
        "code=service_failed service=%s status=%s: %s", service, status, message
    )
    if status in (401, 403):
        return UpstreamError(
            f"The {service} service refused the request.", service=service, status=403
        )
    return _silent(service)


def _message(raw: bytes) -> str:
    """Return a service's own reason, of {"message": ...} or {"X": {"message": ...}}."""
    try:
        found = json.loads(raw)
        inner = next(iter(found.values())) if "message" not in found else found
        return " ".join(str(inner["message"]).split())[:500]
    except (ValueError, AttributeError, LookupError, TypeError, StopIteration):
        return ""


@dataclass(frozen=True, kw_only=True)
class Remote:
    """One service as the user of one request sees it.

    Every method raises UpstreamError when the service refuses or fails.
    """

    services: Services
    auth: Any
    service: str

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Return the service's JSON for one request, empty if it has none."""
        return self.services.ask(self.auth, self.service, method, path, body) or {}

    def listed(self, path: str, key: str) -> tuple[Json, ...]:
        """Return all items under `key`, page by page.

        `path` has a query already, with a limit. Neutron and Cinder name the
        next page in `KEY_links`; only its query is taken.
        """
        found: list[Json] = []
        place, _, query = path.partition("?")
        while True:
            page = self.ask("GET", f"{place}?{query}")
            items = page.get(key, [])
            found += items
            following = [
                link["href"]
                for link in page.get(f"{key}_links", ())
                if link.get("rel") == "next"
            ]
            if not items or not following:
                return tuple(found)
            query = urlsplit(following[0]).query
