# SPDX-License-Identifier: Apache-2.0
"""The steps from a folder, empty or kept, to a lab that answers.

Owns their order, and the marker that says which of them a kept root can leave
out. It must be safe to run on a lab that runs in part. Read bring_up.
"""

import hashlib
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version

from tests.grid.grid import make_grid
from tests.grid.proxyfake import ProxyFakeError
from tests.grid.reissue import GridError
from tests.lab import configuration, mariadb, provision, setup_jobs, voms_server
from tests.lab.control import Control
from tests.lab.errors import LabError
from tests.lab.services import APIS, OF_THE_GRID, steps
from tests.lab.settings import MEMCACHED, RABBITMQ, STORES, VOMSD, Settings

# The grid lasts 24 hours, and a lab that was just started shall last a while.
GRID_SECONDS = 20 * 3600
RELEASES = ("keystone", "openstack-placement", "glance", "nova", "neutron", "cinder")


def bring_up(control: Control, names: Sequence[str]) -> None:
    """Return when all the named services answer and their content is there."""
    settings = control.settings
    apis = [name for name in APIS if name in names]
    holders = [name for name in OF_THE_GRID if name in names]
    alive = [name for name in holders if control.alive(name)]
    if alive and _grid_is_over(settings):
        control.say("the test grid is over: starting with a new one")
        control.stop(alive)
        alive = []
    if not alive and not control.alive("mariadb"):
        configuration.put_logs_aside(settings)
    with ThreadPoolExecutor(max_workers=1) as pool:
        # A running service holds on to the CA of the grid that it started with.
        grid = None if alive else pool.submit(make_grid, settings.grid)
        _stop_what_is_set_otherwise(control, names)
        alive = [name for name in alive if control.alive(name)]
        first = not _is_prepared(settings, names)
        _start_stores(control, names)
        if first:
            control.stop(alive)
            _make_databases(control, names)
        _finish_grid(grid)
    if VOMSD in names and not control.alive(VOMSD):
        voms_server.prepare(settings, configuration.password(settings))
    doors, groups = steps(settings, names)
    if first or alive or doors:
        # The others can be asked only through Keystone.
        control.ensure(doors or ["keystone"])
    if first:
        provision.identity(settings, control.cloud, configuration.password(settings))
    control.wait([RABBITMQ] if RABBITMQ in names else [])
    for group in groups:
        control.ensure(group)
    if first and apis == list(APIS):
        if settings.is_production:
            setup_jobs.run_jobs(settings, [setup_jobs.host_job(settings)])
        provision.resources(control.cloud)
    _marker(settings).write_text(_fingerprint(settings, names))


def _stop_what_is_set_otherwise(control: Control, names: Sequence[str]) -> None:
    """Stop services that have another configuration than they would get now.

    A Keystone whose memcached has ended goes too: each of its threads would do
    without the new one for as long as it takes the old one for dead.
    """
    changed = [
        name
        for name, files in configuration.read_at_start(control.settings).items()
        if control.alive(name)
        and any(configuration.differs(control.settings, file) for file in files)
    ]
    for name in changed:
        control.say(f"the setting of {name} has changed: starting it again")
    control.stop(changed)
    if MEMCACHED in names and not control.alive(MEMCACHED):
        control.stop(["keystone"])
    if MEMCACHED not in names:
        control.stop([MEMCACHED])


def _start_stores(control: Control, names: Sequence[str]) -> None:
    configuration.write(control.settings)
    if not control.alive("mariadb"):
        mariadb.prepare(control.settings, configuration.password(control.settings))
    control.ensure([name for name in STORES if name in names and name != RABBITMQ])
    if RABBITMQ in names and control.alive(RABBITMQ):
        control.ensure([RABBITMQ])
    elif RABBITMQ in names:
        # It takes its time, in which the databases and Keystone come.
        control.start([RABBITMQ])


def _make_databases(control: Control, names: Sequence[str]) -> None:
    control.say("making the databases")
    settings = control.settings
    jobs = [
        setup_jobs.keystone_job(settings, configuration.password(settings)),
        *setup_jobs.database_jobs(settings),
    ]
    setup_jobs.run_jobs(settings, [job for job in jobs if job.name in names])
    control.say("the databases are made")


def _finish_grid(grid: "Future[object] | None") -> None:
    if grid is None:
        return
    try:
        grid.result()
    except (GridError, ProxyFakeError, OSError) as error:
        raise LabError(f"The test grid could not be made: {error}") from error


def _grid_is_over(settings: Settings) -> bool:
    try:
        made = settings.ca_file.stat().st_mtime
    except FileNotFoundError:
        return True
    return time.time() - made > GRID_SECONDS


def _is_prepared(settings: Settings, names: Sequence[str]) -> bool:
    try:
        return _marker(settings).read_text() == _fingerprint(settings, names)
    except FileNotFoundError:
        return False


def _marker(settings: Settings):
    return settings.root / "provisioned"


def _fingerprint(settings: Settings, names: Sequence[str]) -> str:
    """Return a text that changes whenever databases or content have to."""
    mapping = settings.source / "tests/lab/etc/voms.json"
    content = hashlib.sha256(provision.source() + mapping.read_bytes()).hexdigest()
    releases = " ".join(f"{name}-{version(name)}" for name in RELEASES)
    kept = " ".join(name for name in names if name != MEMCACHED)
    return f"{settings.port_base} {content} {kept} {releases}\n"
