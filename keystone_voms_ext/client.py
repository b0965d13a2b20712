# SPDX-License-Identifier: Apache-2.0
"""The client's side: the keystoneauth1 plugins ``v3voms`` and ``v2voms``.

Owns how a VOMS proxy is presented: as the client certificate of the TLS
handshake, on the login request alone. It must import without Keystone, and it
never reads the proxy itself; that is for the TLS library. Read
``V3VomsLoader.create_plugin`` first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from keystoneauth1 import access, exceptions, loading
from keystoneauth1 import session as ks_session
from keystoneauth1.identity import v2, v3
from keystoneauth1.identity.v3 import base

# A client's environment often names the version that its other plugin wants.
_VERSION = re.compile(r"/+(?:v[23](?:\.0)?/*)?$")


def default_proxy() -> str:
    """Return the path where VOMS clients leave the proxy of this user."""
    # The name is fixed by the grid's tools, and the file is only read.
    usual = f"/tmp/x509up_u{os.getuid()}"  # noqa: S108  # nosec B108
    return os.environ.get("X509_USER_PROXY") or usual


def _client_certificate(proxy: str) -> tuple[str, str]:
    """Return what ``requests`` wants as ``cert``: the file holds both parts."""
    if not os.access(proxy, os.R_OK):
        raise exceptions.AuthorizationFailure(
            f"There is no readable VOMS proxy at {proxy}. Make one with "
            "'voms-proxy-init --voms VO', or name another file with "
            "--os-x509-user-proxy or OS_X509_USER_PROXY."
        )
    return proxy, proxy


def _proxy_option() -> loading.Opt:
    return loading.Opt(
        "x509-user-proxy",
        help="File with the VOMS proxy: certificate, key and chain. "
        "Default: X509_USER_PROXY, else /tmp/x509up_u<uid>.",
    )


class VomsMethod(v3.AuthMethod):
    """The auth method ``voms``: an empty payload over a TLS handshake that says all."""

    def __init__(self, *, x509_user_proxy: str) -> None:
        super().__init__()
        self.x509_user_proxy = x509_user_proxy

    def get_auth_data(
        self,
        session: ks_session.Session,
        auth: base.Auth,
        headers: dict[str, str],
        request_kwargs: dict[str, object],
    ) -> tuple[None, None] | tuple[str, Mapping[str, object]]:
        """Return the method's name and payload, and add the client certificate."""
        request_kwargs["cert"] = _client_certificate(self.x509_user_proxy)
        return "voms", {}

    def get_cache_id_elements(self) -> dict[str, str | None]:
        """Return what tells two plugins of this kind apart."""
        return {"voms_x509_user_proxy": self.x509_user_proxy}


class V3Voms(v3.Auth):
    """Log in with a VOMS proxy by the auth method ``voms`` (POST /v3/auth/tokens)."""

    def __init__(self, auth_url: str, *, x509_user_proxy: str, **scope: Any) -> None:
        method = VomsMethod(x509_user_proxy=x509_user_proxy)
        super().__init__(auth_url, [method], **scope)


class V3FederatedVoms(v3.FederationBaseAuth):
    """Log in with a VOMS proxy by the federation URL of an identity provider."""

    def __init__(
        self,
        auth_url: str,
        *,
        identity_provider: str,
        protocol: str,
        x509_user_proxy: str,
        **scope: Any,
    ) -> None:
        super().__init__(
            auth_url=auth_url,
            identity_provider=identity_provider,
            protocol=protocol,
            **scope,
        )
        self.x509_user_proxy = x509_user_proxy

    def get_unscoped_auth_ref(self, session: ks_session.Session) -> access.AccessInfoV3:
        """Return the unscoped token that the federation URL gives for the proxy."""
        response = session.post(
            self.federated_token_url,
            authenticated=False,
            log=False,
            cert=_client_certificate(self.x509_user_proxy),
        )
        found = access.create(resp=response)
        if not isinstance(found, access.AccessInfoV3):
            raise exceptions.InvalidResponse(response=response)
        return found

    def get_unscoped_cache_id_elements(self) -> dict[str, str | None]:
        """Return what tells the unscoped tokens of two such plugins apart."""
        return {
            "auth_url": self.auth_url,
            "identity_provider": self.identity_provider,
            "protocol": self.protocol,
            "voms_x509_user_proxy": self.x509_user_proxy,
        }


class V2Voms(v2.Auth):
    """Log in with a VOMS proxy by POST /v2.0/tokens.

    ``auth_url`` may end in a version or not; it is the one of v2.0 that is asked.
    """

    def __init__(self, auth_url: str, *, x509_user_proxy: str, **scope: Any) -> None:
        super().__init__(f"{_VERSION.sub('', auth_url)}/v2.0", **scope)
        self.x509_user_proxy = x509_user_proxy

    def get_auth_data(
        self, headers: MutableMapping[str, str] | None = None
    ) -> dict[str, object]:
        """Return what stands below ``auth`` in the request, the tenant included."""
        tenant = {"tenantId": self.tenant_id} if self.tenant_id else {}
        if self.tenant_name and not tenant:
            tenant = {"tenantName": self.tenant_name}
        return {"voms": True, **tenant}

    def get_auth_ref(self, session: ks_session.Session) -> access.AccessInfoV2:
        """Return the token that v2.0 gives for the proxy."""
        # The base class has no way to add the certificate to its request.
        response = session.post(
            f"{self.auth_url}/tokens",
            json={"auth": self.get_auth_data()},
            headers={"Accept": "application/json"},
            authenticated=False,
            log=False,
            cert=_client_certificate(self.x509_user_proxy),
        )
        try:
            found = access.create(resp=response)
        except ValueError as error:
            raise exceptions.InvalidResponse(response=response) from error
        if not isinstance(found, access.AccessInfoV2):
            raise exceptions.InvalidResponse(response=response)
        return found

    def get_cache_id_elements(self) -> dict[str, str | None]:
        """Return what tells two plugins of this kind apart."""
        return {
            "auth_url": self.auth_url,
            "tenant_id": self.tenant_id,
            "tenant_name": self.tenant_name,
            "voms_x509_user_proxy": self.x509_user_proxy,
        }


class V3VomsLoader(loading.BaseV3Loader[Any]):
    """The options of ``--os-auth-type v3voms``."""

    @property
    def plugin_class(self) -> type[V3Voms]:
        """The plugin that is made unless a federation is asked for."""
        return V3Voms

    def get_options(self) -> list[loading.Opt]:
        """Return the options of any v3 plugin and the three of this one."""
        return [
            *super().get_options(),
            _proxy_option(),
            loading.Opt(
                "identity-provider",
                help="Log in by the federation URL of this identity provider "
                "(egi.eu) in place of the native method; needs the protocol too.",
            ),
            loading.Opt(
                "protocol", help="Protocol of that identity provider (mapped)."
            ),
        ]

    def create_plugin(self, **options: Any) -> V3Voms | V3FederatedVoms:
        """Return the native plugin, or the federated one if its names are given.

        Raises keystoneauth1's OptionError when only one of the two is given.
        """
        options["x509_user_proxy"] = options.get("x509_user_proxy") or default_proxy()
        identity_provider = options.pop("identity_provider", None)
        protocol = options.pop("protocol", None)
        if bool(identity_provider) != bool(protocol):
            raise exceptions.OptionError(
                "--os-identity-provider and --os-protocol go together: give both "
                "to log in by the federation URL, or neither for the native method."
            )
        if identity_provider:
            return V3FederatedVoms(
                identity_provider=identity_provider, protocol=protocol, **options
            )
        return V3Voms(**options)


class V2VomsLoader(loading.BaseV2Loader[V2Voms]):
    """The options of ``--os-auth-type v2voms``, for sites that know no other."""

    @property
    def plugin_class(self) -> type[V2Voms]:
        """The plugin that is made."""
        return V2Voms

    def get_options(self) -> list[loading.Opt]:
        """Return the options of any v2 plugin but trusts, and the proxy."""
        inherited = [one for one in super().get_options() if one.dest != "trust_id"]
        return [*inherited, _proxy_option()]

    def create_plugin(self, **options: Any) -> V2Voms:
        """Return the plugin; a project is taken for the tenant of that name or id.

        Clients that know both versions hand over the options of v3 as they find
        them. v2.0 has no domains, so those are left out.
        """
        proxy = options.get("x509_user_proxy") or default_proxy()
        return V2Voms(
            options["auth_url"],
            x509_user_proxy=proxy,
            tenant_id=options.get("tenant_id") or options.get("project_id"),
            tenant_name=options.get("tenant_name") or options.get("project_name"),
        )
