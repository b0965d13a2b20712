# SPDX-License-Identifier: Apache-2.0
"""The lines for a service's api-paste.ini against the file that the service ships.

Owns: the reading and the comparison of paste/<service>-api-paste-isolation.ini. Must
never: import a service; paste does, in the process of the one that is tested. Read
first: Snippet.
"""

import configparser
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paste import deploy

PASTE = Path(__file__).parents[4] / "paste"
FILTER = "vo_isolation"
Lines = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """Our lines for a service.

    `installed` is the file that they go into, below etc/; `more` are files of
    paste/ whose lines may be there too.
    """

    service: str
    installed: str
    more: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        return PASTE / f"{self.service}-api-paste-isolation.ini"

    def adds_the_filter_alone(self) -> None:
        """Fail unless each pipeline with users is there, with one word more."""
        stock = self._stock()
        ours = _composites(self.file)
        assert ours, f"{self.file} has no composite"
        for section, name, words in _items(ours):
            plain = [word for word in words if word != FILTER]
            assert plain == stock.get(section, {}).get(name), (
                f"{self.service}: [{section}] {name} of paste/{self.file.name} is, "
                f"without the filter, not that of etc/{self.installed}: {plain}"
            )
        for section, name, words in _items(stock):
            if name.startswith("keystone"):
                found = ours.get(section, {}).get(name, [])
                assert found.count(FILTER) == 1, (
                    f"{self.service}: [{section}] {name} of etc/{self.installed} has "
                    f"not one {FILTER} in paste/{self.file.name}: {found}"
                )

    def stands(self, between: Mapping[str, str]) -> None:
        """Fail unless the filter stands between these words, and nowhere else.

        `between` has by composite and line what is before it, itself, what is behind.
        """
        found = {}
        for section, name, words in _items(_composites(self.file)):
            if FILTER in words:
                at = words.index(FILTER)
                key = f"{section.removeprefix('composite:')} {name}"
                found[key] = " ".join(words[at - 1 : at + 2])
        assert found == between, (
            f"{self.service}: in paste/{self.file.name} the filter stands {found}, and "
            f"should stand {between}"
        )

    def refuses_an_option(self, folder: Path) -> None:
        """Fail unless paste is told that the filter has no option."""
        file = folder / "api-paste.ini"
        file.write_text(self.file.read_text() + "exempt = bob\n")
        named = f"in {self.service.capitalize()}'s paste file has no option exempt"
        with pytest.raises(ValueError, match=named):
            self.loaded(file)

    def loaded(self, file: Path | None = None) -> Any:
        """Return the filter's factory, as paste makes it of our lines."""
        return deploy.loadfilter(f"config:{file or self.file}", name=FILTER)

    def _stock(self) -> Lines:
        files = [PASTE / name for name in self.more]
        return _composites(Path(sys.prefix) / "etc" / self.installed, *files)


def _composites(*files: Path) -> Lines:
    parser = configparser.RawConfigParser(delimiters=("=", ":"), strict=True)
    assert parser.read(files) == [str(file) for file in files], files
    return {
        section: {name: value.split() for name, value in parser[section].items()}
        for section in parser.sections()
        if section.startswith("composite:")
    }


def _items(lines: Lines) -> Iterator[tuple[str, str, list[str]]]:
    for section, of_it in lines.items():
        for name, words in of_it.items():
            yield section, name, words
