# SPDX-License-Identifier: Apache-2.0
"""Turns the templates of etc/ into the configuration of one lab.

Owns the words between @ signs in the templates. It must never start a service
or ask one anything: the same settings and password always give the same files.
Read render.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.grid.accounts import SERVERS
from tests.lab import apache, rabbitmq, voms_server
from tests.lab.errors import LabError
from tests.lab.settings import (
    HOST,
    MEMCACHED,
    OFF,
    PROJECT_PER_USER,
    SHARED_PROJECT,
    Settings,
)

WORD = re.compile(r"@([a-z_]+)(?: ([a-z0-9_]+))?@")

# `external` stays out: REMOTE_USER must never log anybody in beside VOMS.
STOCK_METHODS = (
    "password",
    "token",
    "oauth1",
    "mapped",
    "application_credential",
    "ec2credential",
)

# oslo.log's own list, and three that cry wolf: stevedore tries every cache
# backend and calls each one without its library an error, keystonemiddleware
# misses a memcached, neutronclient says that it is deprecated.
LOG_LEVELS = (
    "amqp=WARN",
    "boto=WARN",
    "sqlalchemy=WARN",
    "suds=INFO",
    "oslo.messaging=INFO",
    "oslo_messaging=INFO",
    "iso8601=WARN",
    "requests.packages.urllib3.connectionpool=WARN",
    "urllib3.connectionpool=WARN",
    "websocket=WARN",
    "keystonemiddleware=ERROR",
    "routes.middleware=WARN",
    "taskflow=WARN",
    "keystoneauth=WARN",
    "oslo.cache=INFO",
    "oslo_policy=INFO",
    "dogpile.core.dogpile=INFO",
    "neutronclient=ERROR",
    "stevedore=CRITICAL",
)

SITE_DOWN_SECONDS = 60
A_YEAR = 365 * 24 * 3600

# A set of small pools: seven services share one MariaDB.
DATABASE_OPTIONS = "max_pool_size = 5\nmax_overflow = 20"


def words(settings: Settings, *, password: str, voms: bool) -> dict[str, str]:
    """Return the value of every word without an argument.

    voms says whether the auth method is installed; Keystone refuses to start
    with a method that it cannot load.
    """
    methods = (*STOCK_METHODS, "voms") if voms else STOCK_METHODS
    delegation = voms and settings.voms_delegation
    return {
        "root": str(settings.root),
        "venv": str(settings.venv),
        "grid": str(settings.grid),
        "ca_file": str(settings.ca_file),
        "password": password,
        "auth_methods": ",".join(methods),
        "log_levels": ",".join(LOG_LEVELS),
        "mapped_method": "mapped = voms\ntoken = voms" if voms else "",
        "primary_methods": (
            "additional_primary_auth_methods = voms" if delegation else ""
        ),
        "keystone_workers": str(settings.keystone_workers),
        "cache_backend": _cache_backend(settings),
        "project_per_user": (
            "true" if settings.isolation == PROJECT_PER_USER else "false"
        ),
        "transport_url": _transport_url(settings, password),
        "cinder_down_seconds": str(_cinder_down_seconds(settings)),
        "deploy": str(settings.deploy),
        "apache_modules": apache.MODULES,
        "apache_owner": apache.owner_lines(),
        "voms_host": SERVERS[voms_server.VO].host,
        "voms_library": voms_server.LIBRARY,
        "resource_filters": str(_resource_filters(settings)),
        "property_protections": _property_protections(settings),
    }


def render(template: str, settings: Settings, values: Mapping[str, str]) -> str:
    """Return the text of a template with every @word@ replaced.

    Raises LabError for a word that nobody defines, so that a typing error does
    not end up as an odd option value in a service.
    """

    def replace(match: re.Match[str]) -> str:
        word, argument = match.group(1), match.group(2)
        if argument is None and word in values:
            return values[word]
        if word == "url" and argument:
            return settings.url(argument)
        if word == "port" and argument:
            return str(settings.port(argument))
        if word == "database" and argument:
            return _database(settings, argument, values["password"])
        if word == "credentials" and argument:
            return _credentials(settings, argument, values["password"])
        if word == "policy_dirs" and argument:
            return _policy_dirs(settings, argument)
        if word == "token_validation" and argument:
            return _token_validation(settings, argument, values["password"])
        raise LabError(f"A lab template uses {match.group(0)}, which has no value.")

    return WORD.sub(replace, template)


def render_folder(
    source: Path, target: Path, settings: Settings, values: Mapping[str, str]
) -> None:
    """Write the rendered copy of every template of a folder into another."""
    for template in sorted(file for file in source.iterdir() if file.is_file()):
        text = render(template.read_text(), settings, values)
        (target / template.name).write_text(text)


def database_url(settings: Settings, name: str, password: str) -> str:
    """Return the SQLAlchemy URL of one of the lab's databases."""
    port = settings.port("mariadb")
    return f"mysql+pymysql://lab:{password}@{HOST}:{port}/{name}?charset=utf8"


def _policy_dirs(settings: Settings, service: str) -> str:
    """Return the option for the rule set of a service, '' where there is none."""
    if settings.isolation == OFF:
        return ""
    return f"policy_dirs = {settings.policy / settings.isolation / service}"


def _resource_filters(settings: Settings) -> Path:
    """Return Cinder's file of what a list may be filtered by."""
    if settings.isolation == SHARED_PROJECT:
        return settings.policy / "conf/cinder/resource_filters.json"
    return settings.venv / "etc/cinder/resource_filters.json"


def _property_protections(settings: Settings) -> str:
    """Return Glance's options that keep the owner of an image as it is."""
    if settings.isolation != SHARED_PROJECT:
        return ""
    return (
        "property_protection_file = "
        f"{settings.policy / 'conf/glance/property-protections.conf'}\n"
        "property_protection_rule_format = roles"
    )


def _transport_url(settings: Settings, password: str) -> str:
    """Return how the parts of a service reach each other."""
    return rabbitmq.url(settings, password) if settings.is_production else "fake://"


def _cinder_down_seconds(settings: Settings) -> int:
    """Return for how long the volume service may be silent.

    In one process with the API it runs without eventlet, and its reports stop.
    """
    return SITE_DOWN_SECONDS if settings.is_production else A_YEAR


def _cache_backend(settings: Settings) -> str:
    """Return the backend that all processes of Keystone see alike."""
    if settings.keystone_workers == 1 and not settings.is_production:
        return "backend = oslo_cache.dict"
    return (
        "backend = dogpile.cache.pymemcache\n"
        f"memcache_servers = {HOST}:{settings.port(MEMCACHED)}"
    )


def _database(settings: Settings, name: str, password: str) -> str:
    return f"{database_url(settings, name, password)}\n{DATABASE_OPTIONS}"


def _credentials(settings: Settings, user: str, password: str) -> str:
    return "\n".join(
        (
            "auth_type = password",
            f"auth_url = {settings.url('keystone')}/v3",
            f"cafile = {settings.ca_file}",
            f"username = {user}",
            f"password = {password}",
            "project_name = service",
            "user_domain_id = default",
            "project_domain_id = default",
        )
    )


def _token_validation(settings: Settings, user: str, password: str) -> str:
    return "\n".join(
        (
            _credentials(settings, user, password),
            # Without a version: clients of the OCCI age add one themselves.
            f"www_authenticate_uri = {settings.url('keystone')}",
            "service_token_roles_required = true",
            "service_token_roles = service",
        )
    )
