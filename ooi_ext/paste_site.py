# SPDX-License-Identifier: Apache-2.0
"""What the sections and words of Nova's api-paste.ini are to OCCI.

Owns: which section is a pipeline of Nova's API, and which filter does what,
under whatever name the site gave it. Must never: judge or edit. Read first: read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ooi_ext.paste_lines import Lines, Option, Section, Unusual, parse

PATHS = ("/occi1.1", "/occi1.2", "/occi")
ROOT = "osapi_compute"
V21 = "openstack_compute_api_v21"
COMPOSITE = "occi_api_11"

WWW, OCCI, ISOLATION, CONTEXT = (
    "www_authenticate",
    "occi",
    "vo_isolation",
    "keystonecontext",
)
# What makes a filter, under whatever name the site gave it.
FACTORIES = {
    WWW: ("ooi_ext.authenticate:filter_factory", "egg:fedcloud-openstack#" + WWW),
    OCCI: ("ooi_ext.wsgi:filter_factory", "egg:fedcloud-openstack#" + OCCI),
    ISOLATION: ("vo_policy_ext.nova:filter_factory",),
    CONTEXT: ("nova.api.auth:NovaKeystoneContext.factory",),
}
# The options that name a section, in sections of any kind.
_NAMING = ("use", "next", "filter-with")
# What people write behind a value, where PasteDeploy knows neither.
_NO_NAME = re.compile(r"[#;]|\\+$")
_PREDECESSOR = "ooi.wsgi:"
_PIPELINE_FACTORY = "call:nova.api.auth:pipeline_factory"


@dataclass(frozen=True)
class Pipeline:
    """A section that is a pipeline, and the option with its words."""

    section: Section
    option: Option

    @property
    def words(self) -> tuple[str, ...]:
        """Return the filters, and behind them the application."""
        return self.option.words

    @property
    def label(self) -> str:
        """Return its header."""
        return f"[{self.section.header}]"

    @property
    def line(self) -> int:
        """Return the line that its words begin in, counted from 1."""
        return self.option.first + 1


def read(text: str) -> Lines:
    """Return the file; raises Unusual if it is not one of Nova's."""
    site = parse(text)
    for name in (ROOT, V21):
        section = section_of(site, name)
        if section.kind != "composite" or not section.get("use"):
            raise Unusual(
                f"[{section.header}] is no composite with a line `use`.",
                line=section.first + 1,
                mend="Write it as in the file that Nova ships.",
            )
    section = section_of(site, V21)
    v21 = _pipeline(section)
    if not v21:
        raise Unusual(
            f"[{section.header}] has no line `keystone` for pipeline_factory_v21.",
            line=section.first + 1,
            mend="Write it as in the file that Nova ships.",
        )
    for pipeline in pipelines(site):
        if any("%" in word for word in pipeline.words):
            raise Unusual(
                f"The pipeline of {pipeline.label} is made with a %.",
                line=pipeline.line,
                mend="Write its filters out.",
            )
        if odd := [word for word in pipeline.words if _NO_NAME.match(word)]:
            raise Unusual(
                f"{odd[0]!r} stands in the pipeline of {pipeline.label}. There it is "
                "no comment and no end of a line but the name of a filter, and Nova "
                "finds none.",
                line=pipeline.line,
                mend="Give a comment a line of its own; a line that goes on needs no "
                "sign, the next one begins with a blank.",
            )
    if not is_api(site, v21.words[-1]):
        raise Unusual(
            f"{v21.words[-1]!r}, at the end of the pipeline of {v21.label}, is not "
            "Nova's application (APIRouterV21).",
            line=v21.line,
            mend="If it is a comment, give it a line of its own.",
        )
    return site


def section_of(site: Lines, name: str) -> Section:
    """Return the composite of Nova's file; raises Unusual if there is none."""
    section = site.app(name)
    if not section:
        raise Unusual(
            f"There is no [composite:{name}].",
            mend="Is this the api-paste.ini of Nova's API?"
            + (" Give what /v2.1 leads to that name." if name == V21 else ""),
        )
    return section


def _pipeline(section: Section) -> Pipeline | None:
    key = ""
    if section.kind == "pipeline":
        key = "pipeline"
    elif section.kind == "composite":
        if section.value("use").startswith(_PIPELINE_FACTORY):
            key = "keystone"
    option = section.get(key)
    return Pipeline(section, option) if option and option.words else None


def pipelines(site: Lines) -> tuple[Pipeline, ...]:
    """Return every pipeline that has words."""
    return tuple(p for p in map(_pipeline, site.sections) if p)


def api_pipelines(site: Lines) -> tuple[Pipeline, ...]:
    """Return those that end in Nova's application."""
    return tuple(p for p in pipelines(site) if is_api(site, p.words[-1]))


def occi_pipelines(site: Lines) -> tuple[Pipeline, ...]:
    """Return those with OCCI's filter, or its predecessor's."""
    return tuple(p for p in pipelines(site) if has(site, p, OCCI))


def is_novas_own(site: Lines, pipeline: Pipeline) -> bool:
    """Tell whether Nova's own paths lead to a pipeline."""
    name = pipeline.section.name
    mounts = section_of(site, ROOT).options
    return name == V21 or any(
        name in mount.words for mount in mounts if mount.key.startswith("/v2")
    )


def named(site: Lines, name: str) -> Pipeline:
    """Return the pipeline of that section."""
    return next(p for p in pipelines(site) if p.section.name == name)


def v21_pipeline(site: Lines) -> Pipeline:
    """Return the pipeline of Nova's /v2.1."""
    return named(site, V21)


def references(site: Lines) -> Iterator[tuple[Section, Option]]:
    """Return the options whose words may name other sections."""
    for section in site.sections:
        whole = section.kind in ("composite", "pipeline")
        for option in section.options:
            if option.words and (whole or option.key in _NAMING):
                yield section, option


def is_api(site: Lines, name: str, depth: int = 0) -> bool:
    """Tell whether `name` is Nova's application, by whatever name and detour."""
    section = site.app(name)
    if not section or depth > len(site.sections):
        return False
    if section.kind == "filter-app":
        return is_api(site, section.value("next"), depth + 1)
    if section.kind != "app":
        return False
    use = section.value("use")
    factory = section.value("paste.app_factory") or use.removeprefix("call:")
    if factory.startswith("nova.") and factory.endswith(":APIRouterV21.factory"):
        return True
    return bool(use) and is_api(site, use, depth + 1)


def is_predecessor(section: Section) -> bool:
    """Tell whether it is the filter of ooi, before this package."""
    return section.kind == "filter" and _factory(section).startswith(_PREDECESSOR)


def _factory(section: Section) -> str:
    made = section.value("paste.filter_factory") or section.value("use")
    return made.removeprefix("call:")


def fits(section: Section, role: str) -> bool:
    """Tell whether a section makes the filter of that role."""
    return section.kind == "filter" and _factory(section) in FACTORIES[role]


def plays(site: Lines, word: str, role: str) -> bool:
    """Tell whether the filter `word` is one of that role; by its name if no more."""
    section = site.filter(word)
    if not section:
        return word == role
    return fits(section, role) or (role == OCCI and is_predecessor(section))


def first(site: Lines, words: Iterable[str], role: str) -> str:
    """Return the first filter of that role, empty if there is none."""
    return next((word for word in words if plays(site, word, role)), "")


def has(site: Lines, pipeline: Pipeline, role: str) -> bool:
    """Tell whether a pipeline has a filter of that role."""
    return bool(first(site, pipeline.words, role))


def name_of(site: Lines, role: str) -> str:
    """Return what the filter of that role is called here, or is to be called."""
    names = [s.name for s in site.sections if fits(s, role)]
    return role if role in names or not names else names[0]
