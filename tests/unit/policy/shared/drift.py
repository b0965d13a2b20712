# SPDX-License-Identifier: Apache-2.0
"""An installed service against the tables, and the same service with one change.

Owns: the reading of what is installed, and the changes that each service gets. Must
never: import a service into this process, for reading one changes its options. Read
first: Watched.
"""

import dataclasses
import multiprocessing
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

from vo_policy_ext import call_sites, drift, installed, legacy

LEFT_OUT = {"__pycache__", "locale", "tests"}


@dataclasses.dataclass(frozen=True)
class Watched:
    """A service, and what is installed of it."""

    service: str
    now: installed.Installed

    @classmethod
    def read(cls, service: str) -> "Watched":
        """Return a service as it is, read by a process of its own."""
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as pool:
            return cls(service, pool.submit(installed.read, service).result())

    def lines(self, **changes: Any) -> tuple[str, ...]:
        """Return what is said of the service after changes to what is installed."""
        changed = dataclasses.replace(self.now, **changes)
        return drift.compared(changed, drift.known(self.service))

    def is_as_known(self, *, rules: int, sites: int, paths: int) -> None:
        """Fail if anything differs, or if little was compared.

        `rules` is the number of rules; there are more `sites` and `paths` than told.
        """
        assert not self.now.unread, f"{self.service}: {self.now.unread}"
        said = "\n".join(self.lines())
        assert not said, f"{self.service} differs from the tables:\n{said}"
        counted = (
            len(self.now.rules),
            len(self.now.sites),
            sum(self.now.paths.values()),
        )
        assert counted[0] == rules and counted[1] > sites and counted[2] > paths, (
            f"{self.service} has (rules, sites, paths) {counted}, and should have "
            f"{rules}, more than {sites} and more than {paths}"
        )

    def declares_the_names_of_old(self) -> None:
        """Fail unless the old names that we know are those that it declares."""
        declared: dict[str, tuple[str, ...]] = {}
        for rule in self.now.rules:
            if rule.formerly not in ("", rule.name):
                declared[rule.formerly] = (*declared.get(rule.formerly, ()), rule.name)
        known = legacy.new_names(self.service)
        for old in {*declared, *known}:
            assert known.get(old) == declared.get(old), (
                f"{self.service} declares {old} as the old name of "
                f"{declared.get(old)}, tables/legacy-mitaka.csv of {known.get(old)}"
            )

    def tells_another_default(self, rule: str) -> None:
        """Fail unless one line tells that a rule has got another default."""
        (before,) = [r for r in self.now.rules if r.name == rule]
        after = dataclasses.replace(before, default="@")
        rules = tuple(after if r is before else r for r in self.now.rules)
        start = f"{rule}: the default changed from {before.default!r} to '@'"
        self._says(start, of=f"another default of {rule}", rules=rules)

    def tells_another_path(self, path: str) -> None:
        """Fail unless two lines tell that a path has got another name."""
        paths = {p: answered for p, answered in self.now.paths.items() if p != path}
        assert len(paths) + 1 == len(self.now.paths), f"{self.service} has no {path}"
        self._says(
            f"a new path {path}-of-all: ",
            f"the path {path} is gone",
            of=f"another name of {path}",
            paths={**paths, f"{path}-of-all": True},
        )

    def tells_an_edit(
        self, home: Path, file: str, *, old: str, new: str, says: Iterable[str]
    ) -> None:
        """Fail unless what is said of an edited file is lines that start so.

        `home` is an empty folder: the source is copied there, as links.
        """
        root = Path(str(metadata.distribution(self.service).locate_file("")))
        shutil.copytree(
            root / self.service,
            home / self.service,
            ignore=lambda _, names: LEFT_OUT.intersection(names),
            copy_function=os.symlink,
        )
        path = home / self.service / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{self.service}/{file} has no more {old!r}"
        path.unlink()
        path.write_text(text.replace(old, new), encoding="utf-8")
        sites = call_sites.sites(home, self.service)
        self._says(*says, of=f"{self.service}/{file} with {new!r}", sites=sites)

    def _says(self, *starts: str, of: str, **changes: Any) -> None:
        said = self.lines(**changes)
        assert len(said) == len(starts) and all(map(str.startswith, said, starts)), (
            f"{self.service}: {of}: this is said:\n" + "\n".join(said) + "\n"
            "and there should be lines that start so:\n" + "\n".join(starts)
        )
