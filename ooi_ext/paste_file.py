# SPDX-License-Identifier: Apache-2.0
"""Nova's api-paste.ini, with OCCI and vo_isolation put in and taken out again.

Owns: what has to stand in the file. Must never: move or take out a word that the
site put in; what it cannot finish it refuses. Pure: text in, text out. Read
first: install.
"""

from collections.abc import Iterator

from ooi_ext.paste_check import MISSING, WRONG, Finding, check
from ooi_ext.paste_lines import Lines, Section, Unusual
from ooi_ext.paste_site import (
    COMPOSITE,
    FACTORIES,
    ISOLATION,
    OCCI,
    PATHS,
    ROOT,
    V21,
    WWW,
    Pipeline,
    api_pipelines,
    first,
    fits,
    has,
    is_novas_own,
    is_predecessor,
    name_of,
    named,
    occi_pipelines,
    plays,
    read,
    references,
    section_of,
    v21_pipeline,
)


def install(text: str, *, occi: bool = True, isolation: bool = False) -> str:
    """Return the file with OCCI in it, unchanged if it is there already.

    With `isolation`, vo_isolation stands last before Nova's application in each
    pipeline; without, in OCCI's if that of Nova's /v2.1 has it. Raises Unusual
    when something is WRONG.
    """
    for finding in check(text, occi=occi, isolation=isolation):
        _refuse(finding)
    site = read(text)
    if occi:
        site = _with_occi(site)
    for name in [p.section.name for p in api_pipelines(site)]:
        pipeline = named(site, name)
        if has(site, pipeline, ISOLATION):
            continue
        follows = has(site, pipeline, OCCI) and has(site, v21_pipeline(site), ISOLATION)
        if isolation or (occi and follows):
            word = name_of(site, ISOLATION)
            site = site.with_word(pipeline.option, word)
    needed = [*((WWW, OCCI) if occi else ())]
    if isolation or any(has(site, p, ISOLATION) for p in api_pipelines(site)):
        needed.append(ISOLATION)
    for role in needed:
        if not site.filter(name_of(site, role)):
            site = site.with_section(*_filter(role))
    for finding in check(site.text, occi=occi, isolation=isolation):
        _refuse(finding)
        if finding.verdict == MISSING:
            raise Unusual(finding.what, line=finding.line, mend="Edit it by hand.")
    return site.text


def remove(text: str, *, occi: bool = True, isolation: bool = False) -> str:
    """Return the file without what install puts in, unchanged if nothing is there.

    vo_isolation stays in Nova's own pipelines, unless `isolation` says otherwise.
    Raises Unusual when other lines of the file need what would go.
    """
    site = read(text)
    if occi:
        site = _without_occi(site)
    if isolation:
        for name in [p.section.name for p in api_pipelines(site)]:
            while word := first(site, named(site, name).words[:-1], ISOLATION):
                site = site.without_word(named(site, name).option, word)
        site = _without_filters(site, ISOLATION)
    return site.text


def _with_occi(site: Lines) -> Lines:
    if not occi_pipelines(site):
        v21 = v21_pipeline(site)
        use = v21.section.value("use")
        site = site.with_section(
            f"[composite:{COMPOSITE}]",
            f"# Made by ooi-manage of the pipeline of {V21}.",
            f"use = {use}",
            f"keystone = {' '.join(_made_of(site, v21))}",
        )
    target = occi_pipelines(site)[0].section.name
    for path in PATHS:
        root = section_of(site, ROOT)
        if not root.get(path):
            site = site.with_option(root, path, target)
    return site


def _made_of(site: Lines, v21: Pipeline) -> Iterator[str]:
    yield name_of(site, WWW)
    isolation: list[str] = []
    for word in v21.words[:-1]:
        if plays(site, word, ISOLATION):
            isolation.append(word)
        elif not plays(site, word, WWW):
            yield word
    yield name_of(site, OCCI)
    yield from isolation
    yield v21.words[-1]


def _filter(role: str) -> tuple[str, ...]:
    about = {
        WWW: (
            "# Where clients get a token is read from [keystone_authtoken], or here:",
            "# keystone_uri = https://keystone.example.org:5000",
        )
    }
    factory = f"paste.filter_factory = {FACTORIES[role][0]}"
    return (f"[filter:{role}]", *about.get(role, ()), factory)


def _without_occi(site: Lines) -> Lines:
    targets = {p.section.name for p in occi_pipelines(site)}
    for pipeline in occi_pipelines(site):
        if is_novas_own(site, pipeline):
            word = first(site, pipeline.words, OCCI)
            raise Unusual(
                f"The pipeline of {pipeline.label} is Nova's own, and has OCCI's "
                "filter in it.",
                line=pipeline.line,
                mend=f"Take {word} out of it.",
            )
    if not site.app(COMPOSITE):
        # It was taken out by hand, and the paths left.
        targets.add(COMPOSITE)
    for section, option in references(site):
        ours = section.name in targets or (section.name == ROOT and option.key in PATHS)
        if targets & set(option.words) and not ours:
            raise Unusual(
                f"{option.key} of [{section.header}] needs what is OCCI's: "
                f"{' '.join(sorted(targets & set(option.words)))}.",
                line=option.first + 1,
                mend="Take that out first.",
            )
    for path in PATHS:
        mount = section_of(site, ROOT).get(path)
        if mount and targets & set(mount.words):
            site = site.without_option(section_of(site, ROOT), mount)
    for name in sorted(targets):
        if found := site.app(name):
            site = site.without_section(found)
    return _without_filters(site, OCCI, WWW)


def _without_filters(site: Lines, *roles: str) -> Lines:
    used = {word for _, option in references(site) for word in option.words}

    def gone(section: Section) -> bool:
        ours = any(fits(section, role) for role in roles)
        return section.name not in used and (
            ours or (OCCI in roles and is_predecessor(section))
        )

    while section := next(filter(gone, site.sections), None):
        site = site.without_section(section)
    return site


def _refuse(finding: Finding) -> None:
    if finding.verdict == WRONG:
        raise Unusual(finding.what, line=finding.line, mend=finding.mend)
