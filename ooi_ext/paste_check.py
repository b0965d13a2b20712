# SPDX-License-Identifier: Apache-2.0
"""What is right, missing and wrong in Nova's api-paste.ini.

Owns: the verdicts, and how to mend each. Must never: edit; and what it calls
WRONG nothing else edits either. Read first: check.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ooi_ext.paste_lines import Lines, Section, Unusual
from ooi_ext.paste_site import (
    COMPOSITE,
    CONTEXT,
    ISOLATION,
    OCCI,
    PATHS,
    ROOT,
    V21,
    WWW,
    Pipeline,
    api_pipelines,
    fits,
    has,
    is_api,
    is_novas_own,
    is_predecessor,
    name_of,
    occi_pipelines,
    plays,
    read,
    references,
    section_of,
    v21_pipeline,
)

OK, MISSING, WRONG, HOLE = "ok", "missing", "WRONG", "HOLE"

_MEND_PART = "ooi-manage paste --install puts it in."
_MEND_ISOLATION = "ooi-manage paste --install --isolation puts it in."
_MEND_ANEW = "ooi-manage paste --remove, then --install, makes it anew."


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: how it is, where, and how to mend it.

    `verdict` is OK; MISSING: install puts it in; HOLE: a way around vo_isolation;
    WRONG: install leaves the file alone. `line` counts from 1, 0 if it has none.
    """

    verdict: str
    what: str
    line: int = 0
    mend: str = ""


def check(
    text: str, *, occi: bool = True, isolation: bool = False
) -> tuple[Finding, ...]:
    """Return what was found about each part, wanted or there.

    vo_isolation is looked for everywhere as soon as one pipeline has it.
    """
    try:
        site = read(text)
    except Unusual as error:
        finding = Finding(
            verdict=WRONG, what=error.what, line=error.line, mend=error.mend
        )
        return (finding,)
    found: list[Finding] = []
    if occi:
        found += _occi(site)
    found += _isolation(site, wanted=isolation)
    return tuple(found)


def _occi(site: Lines) -> Iterator[Finding]:
    yield _filter_there(site, WWW)
    yield _filter_there(site, OCCI)
    pipelines = occi_pipelines(site)
    taken = site.app(COMPOSITE)
    for pipeline in pipelines:
        yield _judged(site, pipeline)
    if taken and not pipelines:
        yield Finding(
            verdict=WRONG,
            what=f"[{taken.header}] has no pipeline with OCCI's filter.",
            line=taken.first + 1,
            mend="Take it out, or give it another name.",
        )
    elif not pipelines:
        yield Finding(verdict=MISSING, what=f"[composite:{COMPOSITE}]", mend=_MEND_PART)
        if not any(plays(site, word, CONTEXT) for word in v21_pipeline(site).words):
            yield Finding(
                verdict=WRONG,
                what=f"The pipeline of [{V21}] has no {CONTEXT}, so OCCI would not "
                "know the user.",
                line=v21_pipeline(site).line,
                mend="Edit the file by hand.",
            )
    targets = {p.section.name for p in pipelines} or {COMPOSITE}
    root = section_of(site, ROOT)
    for path in PATHS:
        option = root.get(path)
        if not option:
            yield Finding(
                verdict=MISSING,
                what=f"{path} in [{root.header}]",
                line=root.first + 1,
                mend=_MEND_PART,
            )
        elif set(option.words) <= targets and option.words:
            yield Finding(verdict=OK, what=path, line=option.first + 1)
        else:
            yield Finding(
                verdict=WRONG,
                what=f"{path} leads to {' '.join(option.words)!r}, which is not OCCI.",
                line=option.first + 1,
                mend="Take that line out.",
            )
    for section in site.sections:
        if is_predecessor(section) and section.name != OCCI:
            yield _old(section)


def _judged(site: Lines, pipeline: Pipeline) -> Finding:
    """Return whether a pipeline of OCCI is right; its vo_isolation apart."""
    words = pipeline.words
    occi = next(n for n, word in enumerate(words) if plays(site, word, OCCI))
    context = [n for n, word in enumerate(words) if plays(site, word, CONTEXT)]
    lacking = [
        word
        for word in v21_pipeline(site).words[:-1]
        if word not in words
        and not any(plays(site, word, role) for role in (ISOLATION, WWW, CONTEXT))
    ]
    what, mend = "", _MEND_ANEW
    if not is_api(site, words[-1]):
        what = f"does not end in Nova's application, but in {words[-1]!r}"
    elif is_novas_own(site, pipeline):
        what = "has OCCI's filter, which belongs into a pipeline of its own"
        mend = f"Take {words[occi]} out of it."
    elif not context:
        what = f"has no {CONTEXT}"
    elif context[0] > occi:
        what = f"has {words[occi]} before {words[context[0]]}, which tells it the user"
    elif not plays(site, words[0], WWW):
        what = f"does not begin with {WWW}: clients would not find Keystone"
    elif lacking:
        what = f"lacks what the pipeline of [{V21}] has: {' '.join(lacking)}"
    if what:
        return Finding(
            verdict=WRONG,
            what=f"The pipeline of {pipeline.label} {what}.",
            line=pipeline.line,
            mend=mend,
        )
    return Finding(verdict=OK, what=pipeline.label, line=pipeline.line)


def _isolation(site: Lines, *, wanted: bool) -> Iterator[Finding]:
    pipelines = api_pipelines(site)
    having = [p for p in pipelines if has(site, p, ISOLATION)]
    if not wanted and not having:
        return
    for pipeline in pipelines:
        if pipeline not in having:
            yield Finding(
                verdict=HOLE if having else MISSING,
                what=f"The pipeline of {pipeline.label} has no {ISOLATION}"
                + (", but others have it: a way around it." if having else "."),
                line=pipeline.line,
                mend=_MEND_ISOLATION,
            )
        elif not plays(site, pipeline.words[-2], ISOLATION):
            yield Finding(
                verdict=WRONG,
                what=f"The pipeline of {pipeline.label} has {pipeline.words[-2]} "
                f"behind {ISOLATION}, which has to see what Nova will see.",
                line=pipeline.line,
                mend=f"Move {ISOLATION} to the place before {pipeline.words[-1]}.",
            )
        else:
            what = f"{ISOLATION} in {pipeline.label}"
            yield Finding(verdict=OK, what=what, line=pipeline.line)
    known = [p.section for p in api_pipelines(site)]
    for section, option in references(site):
        # Of a pipeline, Nova reads the line `keystone` alone.
        odd = section.kind == "composite" and section not in known
        if odd and is_api(site, option.words[-1]):
            yield Finding(
                verdict=HOLE,
                what=f"{option.key} of [{section.header}] leads to Nova's application "
                f"without {ISOLATION}: a way around it.",
                line=option.first + 1,
                mend="Give it a pipeline as the others have.",
            )
    yield _filter_there(site, ISOLATION)


def _filter_there(site: Lines, role: str) -> Finding:
    name = name_of(site, role)
    section = site.filter(name)
    if not section:
        mend = _MEND_ISOLATION if role == ISOLATION else _MEND_PART
        return Finding(verdict=MISSING, what=f"[filter:{name}]", mend=mend)
    line = section.first + 1
    if is_predecessor(section):
        return _old(section)
    if not fits(section, role):
        return Finding(
            verdict=WRONG,
            what=f"[{section.header}] is another filter of that name.",
            line=line,
            mend="Give it another name.",
        )
    return Finding(verdict=OK, what=f"[{section.header}]", line=line)


def _old(section: Section) -> Finding:
    return Finding(
        verdict=WRONG,
        what=f"[{section.header}] is that of ooi, which no longer runs.",
        line=section.first + 1,
        mend=_MEND_ANEW,
    )
