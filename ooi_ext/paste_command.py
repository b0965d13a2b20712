# SPDX-License-Identifier: Apache-2.0
"""``ooi-manage paste``: OCCI and vo_isolation in a site's own api-paste.ini.

Owns: finding, reading and replacing the file, and what is printed. The file is
replaced at once or not at all, and stays whose it was; what it was before is kept
beside it. Must never: load Nova, or write what it has not read. Read first: run.
"""

import difflib
import errno
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from oslo_config import cfg

from ooi_ext.paste_check import HOLE, OK, Finding, check
from ooi_ext.paste_file import install, remove
from ooi_ext.paste_lines import Unusual

FINE, PROBLEM, MISUSE = 0, 1, 2

ABOUT = (
    "Put OCCI into Nova's api-paste.ini, look whether it is right there, or take it "
    "out. Nothing else in the file is changed."
)
KEPT = ".before-ooi-manage"

_MENDS = {
    errno.EACCES: "Run this as root.",
    errno.EBUSY: "It is mounted there by itself, as into a container: edit it where "
    "it comes from, with --file.",
    errno.EISDIR: "Name the file in it.",
    errno.ENOENT: "Name Nova's api-paste.ini by --file.",
    errno.EPERM: "Is it immutable (lsattr)?",
    errno.EROFS: "Edit it where it comes from, with --file.",
}
_NAME = "api-paste.ini"
_SITE = "/etc/nova"


class _Trouble(Exception):
    """The file cannot be found, read or written."""


def arguments(parser: Any) -> None:
    """Add what the command takes."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--install", action="store_true", help="put it in")
    what.add_argument(
        "--check", action="store_true", help="say of each part whether it is right"
    )
    what.add_argument(
        "--remove",
        action="store_true",
        help="take out what --install with the same options puts in",
    )
    parser.add_argument(
        "--file", default="", metavar="PATH", help="if not the one that Nova reads"
    )
    parser.add_argument(
        "--isolation",
        action="store_true",
        help="vo_isolation, too: in each pipeline that ends in Nova's application",
    )
    parser.add_argument(
        "--no-occi",
        action="store_true",
        help="with --isolation, that alone: for OCCI on a port of its own",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only show the difference"
    )


def run(options: Any) -> int:
    """Return 0 if all is well, 1 if something in the file is not, 2 if neither.

    2 stands for wrong use, and for a file that cannot be read or written.
    """
    wanted = {"occi": not options.no_occi, "isolation": options.isolation}
    try:
        if not any(wanted.values()):
            raise _Trouble("--no-occi leaves nothing to do without --isolation.")
        if options.check and options.dry_run:
            raise _Trouble("--check changes nothing: leave --dry-run out.")
        path = find(options.file, os.environ)
        if options.check:
            return _tell(path, check(_read(path), **wanted))
        if options.dry_run:
            return _edit(path, options, wanted)
        with _alone(path.parent):
            return _edit(path, options, wanted)
    except OSError as error:
        named = error.filename2 or error.filename or "The file"
        text = f"{named}: {error.strerror}. {_MENDS.get(error.errno or 0, '')}"
        print(f"ooi-manage: {_plain(text.rstrip())}", file=sys.stderr)
        return MISUSE
    except (_Trouble, UnicodeError) as error:
        print(f"ooi-manage: {_plain(str(error))}", file=sys.stderr)
        return MISUSE


def _edit(path: Path, options: Any, wanted: Mapping[str, bool]) -> int:
    old = _read(path)
    try:
        new = (install if options.install else remove)(old, **wanted)
    except Unusual as error:
        print(f"ooi-manage: {path}: {_plain(str(error))}", file=sys.stderr)
        print(f"{path} is left as it was.", file=sys.stderr)
        return PROBLEM
    if options.dry_run:
        sys.stdout.writelines(_difference(path, old, new))
    elif new != old:
        _replace(path, old, new)
        print(f"{path} is changed; {path}{KEPT} is what it was. Restart Nova's API.")
    if new == old:
        there = "is in" if options.install else "is not in"
        print(f"Nothing to change: what was asked for {there} {path}.")
    return _warn(new, wanted) if options.install else FINE


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Wait until no other run of this command edits a file of that directory."""
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Not every file system has locks; without them _replace looks once more.
        with suppress(OSError):
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def find(named: str, environ: Mapping[str, str]) -> Path:
    """Return the file that is meant: the one named, else the one that Nova reads.

    A link is followed, so that the file it leads to is replaced. Nova under a WSGI
    server goes by OS_NOVA_CONFIG_DIR and OS_NOVA_CONFIG_FILES, else by [wsgi]
    api_paste_config of nova.conf. Raises _Trouble.
    """
    if named:
        return Path(os.path.realpath(named))
    site = environ.get("OS_NOVA_CONFIG_DIR", "").strip() or _SITE
    files = environ.get("OS_NOVA_CONFIG_FILES", "")
    if files:
        return Path(os.path.realpath(os.path.join(site, files.split(";")[0])))
    candidate = _configured(Path(site)) or str(Path(site, _NAME))
    if not os.path.exists(candidate):
        raise _Trouble(f"There is no {candidate}. Name Nova's api-paste.ini by --file.")
    return Path(os.path.realpath(candidate))


def _configured(site: Path) -> str:
    """Return what [wsgi] api_paste_config leads to, empty if to nothing."""
    option = cfg.StrOpt("api_paste_config", default=_NAME, deprecated_group="DEFAULT")
    conf = cfg.ConfigOpts()
    conf.register_opt(option, group="wsgi")
    own = site / "nova.conf"
    try:
        conf(
            [], project="nova", default_config_files=[str(own)] if own.exists() else []
        )
        name = conf.wsgi.api_paste_config
    except cfg.Error as error:
        raise _Trouble(f"{own} cannot be read: {error} Or use --file.") from error
    return name if os.path.isabs(name) else (conf.find_file(name) or "")


def _read(path: Path) -> str:
    if path.exists() and not (path.is_file() or path.is_dir()):
        # A pipe would be waited for, for ever.
        raise _Trouble(f"{path} is no plain file. Name one by --file.")
    # As bytes, or the ends of the lines would be lost.
    stored = path.read_bytes()
    try:
        return stored.decode("utf-8")
    except UnicodeDecodeError as error:
        line = stored.count(b"\n", 0, error.start) + 1
        raise _Trouble(
            f"{path} is not UTF-8 (line {line}, byte {error.start}), so Nova cannot "
            "read it either. Save it as UTF-8."
        ) from error


def _replace(path: Path, old: str, new: str) -> None:
    kept = Path(f"{path}{KEPT}")
    _write(kept, old, like=path)
    if _read(path) != old:
        raise _Trouble(f"Somebody else has just changed {path}. Try it again.")
    _write(path, new, like=path)


def _write(path: Path, text: str, *, like: Path) -> None:
    """Write a file at once, with the owner and the mode of another."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            was = like.stat()
            mine = os.fstat(file.fileno())
            if (was.st_uid, was.st_gid) != (mine.st_uid, mine.st_gid):
                _own(file.fileno(), was, path)
            # With it come lists of access and labels of SELinux.
            shutil.copystat(like, name)
            os.utime(name)
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _own(number: int, was: os.stat_result, path: Path) -> None:
    try:
        os.fchown(number, was.st_uid, was.st_gid)
    except PermissionError as error:
        raise _Trouble(
            f"{path} belongs to user {was.st_uid} and group {was.st_gid}, which a new "
            "file of yours cannot be given. Run this as root; nothing is changed."
        ) from error


def _tell(path: Path, findings: tuple[Finding, ...]) -> int:
    print(path)
    for finding in findings:
        print(_line(finding))
    return FINE if all(f.verdict == OK for f in findings) else PROBLEM


def _warn(text: str, wanted: Mapping[str, bool]) -> int:
    holes = [f for f in check(text, **wanted) if f.verdict == HOLE]
    for finding in holes:
        print(_line(finding), file=sys.stderr)
    return PROBLEM if holes else FINE


def _line(finding: Finding) -> str:
    where = f"line {finding.line}" if finding.line else ""
    return _plain(
        f"{finding.verdict:<8} {where:<9} {finding.what} {finding.mend}".rstrip()
    )


def _difference(path: Path, old: str, new: str) -> list[str]:
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), str(path), str(path), lineterm=""
    )
    return [f"{_plain(line)}\n" for line in lines]


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in text)
