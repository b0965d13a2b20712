# SPDX-License-Identifier: Apache-2.0
"""Keystone behind a paste pipeline, and the filter ``voms`` in it.

Owns ``application``, which any WSGI server loads in place of Keystone's own.
Importing this module starts nothing and reads nothing: the pipeline is built
at the first request, once per process. Read ``application`` first.
"""

from __future__ import annotations

import datetime
import os
import sysconfig
import threading
from collections.abc import Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import keystone.conf
from oslo_log import log
from paste import deploy

from keystone_voms_ext import conf, credential, listing
from keystone_voms_ext import environ as wsgi_environ
from keystone_voms_ext.voms.errors import VomsError
from keystone_voms_ext.voms.validate import VomsAttributes

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)

Environ = MutableMapping[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]

PASTE_VARIABLE = "OS_KEYSTONE_VOMS_PASTE"
SITE_PASTE = Path("/etc/keystone/keystone-paste.ini")


class _Once:
    """Makes a value at the first call and gives the same to every later one.

    A failure is given to every later call as well: Keystone cannot be set up
    twice in a process, and what the second attempt says hides the cause.
    """

    def __init__(self, make: Callable[[], App]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: App | None = None
        self._failure: BaseException | None = None

    def __call__(self) -> App:
        if self._made is None:
            with self._lock:
                if self._failure is not None:
                    raise self._failure.with_traceback(None)
                if self._made is None:
                    try:
                        self._made = self._make()
                    except BaseException as error:
                        self._failure = error
                        raise
        return self._made


def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """Serve one request by the pipeline of keystone-paste.ini around Keystone.

    The file is the one in the environment variable OS_KEYSTONE_VOMS_PASTE,
    else /etc/keystone/keystone-paste.ini, else the one shipped with this
    package.
    """
    return _pipeline()(environ, start_response)


def paste_file() -> Path:
    """Return the paste file in use, by the order that ``application`` tells."""
    if chosen := os.environ.get(PASTE_VARIABLE, "").strip():
        return Path(chosen)
    if SITE_PASTE.exists():
        return SITE_PASTE
    return data_directory() / "paste" / "keystone-paste.ini"


def data_directory() -> Path:
    """Return the directory that holds paste/ and policy/, wherever we run from.

    An editable install leaves data files out, so the source tree comes first.
    Raises FileNotFoundError when neither place has them.
    """
    source = Path(__file__).resolve().parent.parent
    installed = Path(sysconfig.get_path("data")) / "share" / "fedcloud-openstack"
    for place in (source, installed):
        if (place / "paste" / "keystone-paste.ini").is_file():
            return place
    raise FileNotFoundError(
        f"keystone-paste.ini is neither in {source}/paste nor in {installed}/paste: "
        f"install the package again, or set {PASTE_VARIABLE}."
    )


def app_factory(global_conf: dict[str, str], **local_conf: str) -> App:
    """Return Keystone itself, for ``[app:keystone]`` of the paste file."""
    return _keystone()


def filter_factory(
    global_conf: dict[str, str], **local_conf: str
) -> Callable[[App], App]:
    """Return the maker of the filter ``voms``, for ``[filter:voms]``."""
    conf.register(CONF)
    return VomsFilter


class VomsFilter:
    """Validates the client's proxy and tells the application what it proves.

    It refuses nobody: a user with a plain certificate may still log in by
    password. The doors that need a VOMS credential refuse with the verdict
    that is left in the environ here.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve one request with what an outer server claimed taken out."""
        for key in [key for key in environ if _is_claim(key)]:
            del environ[key]
        peers = CONF.voms.trusted_header_peers
        if wsgi_environ.has_client_certificate(environ, header_peers=peers):
            at = datetime.datetime.now(datetime.UTC)
            try:
                environ.update(assertion(credential.of_request(environ, at=at)))
            except VomsError as error:
                # The door that needs the credential logs it as refused.
                LOG.debug("The client's certificate is no VOMS login: %s", error)
        if listing.is_of_projects(environ):
            return listing.within_reach(self._app, environ, start_response)
        return self._app(environ, start_response)


def assertion(proved: VomsAttributes) -> dict[str, str]:
    """Return the environ keys that stock mapping rules read for a federated login.

    FQANs are joined with ';', at which Keystone's mapping engine splits. A DN
    that holds one would be split too, so such a DN is not asserted.
    """
    if ";" in proved.dn:
        return {}
    fqans = ";".join(proved.fqans)
    return {
        "VOMS_DN": proved.dn,
        "VOMS_VO": proved.vo,
        "VOMS_FQANS": fqans,
        "GRST_CONN_AURI_0": "dn:" + quote(proved.dn, safe="/=").replace("%20", "+"),
        "GRST_VOMS_FQANS": fqans,
    }


def _is_claim(key: str) -> bool:
    """Tell whether a key claims an identity that only this filter may assert.

    mod_gridsite sets GRST_* for attribute certificates that it did not verify,
    and mod_ssl can set REMOTE_USER to the DN of a certificate with no VO.
    """
    return key == "REMOTE_USER" or key.startswith(("VOMS_", "GRST_"))


def _load_pipeline() -> App:
    conf.register(CONF)
    path = paste_file().resolve()
    app: App = deploy.loadapp(f"config:{path}", name="main")
    LOG.info("Keystone is served by the pipeline of %s", path)
    return app


def _load_keystone() -> App:
    # Imported here, for it reads the configuration of the process.
    from keystone.server import wsgi as keystone_wsgi

    app: App = keystone_wsgi.initialize_public_application()
    return app


_keystone = _Once(_load_keystone)
_pipeline = _Once(_load_pipeline)
