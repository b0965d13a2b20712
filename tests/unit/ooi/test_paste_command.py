# SPDX-License-Identifier: Apache-2.0
"""``ooi-manage paste``: which file, how it is replaced, what is said."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ooi_ext import manage, paste_command
from tests.unit.ooi.paste_files import APP, INSTALLED, ISOLATED, STOCK, edited

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def file(tmp_path, monkeypatch):
    for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_NOVA_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("OS_NOVA_CONFIG_FILES", raising=False)
    path = tmp_path / "api-paste.ini"
    path.write_text(STOCK)
    return path


@pytest.fixture
def paste(file, capsys):
    def call(*arguments, path=file):
        status = manage.main(["paste", *arguments, "--file", str(path)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def test_install_check_remove(file, paste):
    kept = Path(f"{file}.before-ooi-manage")
    status, out, _ = paste("--check")
    assert (status, out.count("missing")) == (1, 6)
    status, out, _ = paste("--install", "--isolation")
    assert (status, file.read_text(), kept.read_text()) == (0, ISOLATED, STOCK)
    assert "Restart" in out
    status, out, _ = paste("--check", "--isolation")
    assert status == 0
    assert {line.split()[0] for line in out.splitlines()[1:]} == {"ok"}
    status, out, _ = paste("--install", "--isolation")
    assert (status, "Nothing to change" in out) == (0, True)
    assert kept.read_text() == STOCK
    assert paste("--remove", "--isolation")[0] == 0
    assert (file.read_text(), kept.read_text()) == (STOCK, ISOLATED)
    status, out, _ = paste("--remove", "--isolation")
    assert (status, "Nothing to change" in out) == (0, True)


def test_the_ends_of_lines_are_kept(file, paste):
    old = STOCK.replace("\n", "\r\n").encode()
    file.write_bytes(old)
    assert paste("--install")[0] == 0
    assert file.read_bytes() == INSTALLED.replace("\n", "\r\n").encode()
    assert paste("--remove")[0] == 0
    assert file.read_bytes() == old


def test_a_dry_run_shows_and_writes_nothing(file, paste):
    before = file.stat()
    status, out, _ = paste("--install", "--dry-run")
    assert status == 0
    assert f"--- {file}\n+++ {file}\n" in out
    assert "\n+/occi: occi_api_11\n" in out
    assert file.stat() == before
    assert list(file.parent.iterdir()) == [file]


def test_mode_and_link_stay(file, paste, tmp_path):
    file.chmod(0o640)
    link = tmp_path / "link.ini"
    link.symlink_to(file.name)
    assert paste("--install", path=link)[0] == 0
    assert link.is_symlink()
    assert file.read_text() == INSTALLED
    for path in (file, Path(f"{file}.before-ooi-manage")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_owner_stays(file, paste, monkeypatch):
    real, given = os.fstat, []

    def fstat(number):
        found = list(real(number))
        found[stat.ST_GID] += 1
        return os.stat_result(found)

    monkeypatch.setattr(paste_command.os, "fstat", fstat)
    monkeypatch.setattr(paste_command.os, "fchown", lambda *a: given.append(a[1:]))
    assert paste("--install")[0] == 0
    # The copy and the file.
    assert given == [(file.stat().st_uid, file.stat().st_gid)] * 2


def test_an_owner_that_cannot_be_kept_is_told(file, paste, monkeypatch):
    def refuse(number, *ids):
        raise PermissionError(1, "Operation not permitted")

    real = os.fstat

    def fstat(number):
        found = list(real(number))
        found[stat.ST_UID] += 1
        return os.stat_result(found)

    monkeypatch.setattr(paste_command.os, "fstat", fstat)
    monkeypatch.setattr(paste_command.os, "fchown", refuse)
    status, _, err = paste("--install")
    assert (status, "Run this as root" in err) == (2, True)
    assert file.read_text() == STOCK
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failure_leaves_the_file_as_it_was(file, paste, monkeypatch, call):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paste_command.os, call, full)
    status, _, err = paste("--install")
    assert (status, "No space left" in err) == (2, True)
    assert file.read_text() == STOCK
    assert list(file.parent.iterdir()) == [file]


def test_somebody_else_edits_it(file, paste, monkeypatch):
    real = os.replace

    def replace(source, target):
        file.write_text("theirs")
        real(source, target)

    monkeypatch.setattr(paste_command.os, "replace", replace)
    status, _, err = paste("--install")
    assert (status, "Somebody else" in err) == (2, True)
    assert file.read_text() == "theirs"


def test_a_file_that_is_refused(file, paste):
    file.write_text(edited(STOCK, "[composite:osapi_compute]", "[composite:\x1b[2J]"))
    status, out, err = paste("--install")
    assert (status, out) == (1, "")
    assert "osapi_compute" in err
    assert "is left as it was" in err
    status, out, _ = paste("--check")
    assert (status, "WRONG" in out, "\x1b" in out) == (1, True, False)
    assert list(file.parent.iterdir()) == [file]


def test_a_hole_is_told_although_it_is_installed(file, paste):
    file.write_text(
        edited(
            STOCK,
            f"legacy_v2_compatible {APP}",
            f"legacy_v2_compatible vo_isolation {APP}",
        )
    )
    status, _, err = paste("--install")
    assert (status, "HOLE" in err, "--isolation" in err) == (1, True, True)
    assert "/occi: occi_api_11" in file.read_text()
    assert paste("--install", "--isolation")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [("--no-occi", "--install"), ("--dry-run", "--check")],
)
def test_options_that_make_no_sense_together(paste, arguments):
    assert paste(*arguments)[0] == 2


@pytest.mark.parametrize("arguments", [[], ["--install", "--remove"], ["--undo"]])
def test_wrong_use(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        manage.main(["paste", *arguments])
    assert end.value.code == 2
    assert "usage: ooi-manage paste" in capsys.readouterr().err


def test_a_file_that_cannot_be_read(file, paste, tmp_path):
    assert paste("--check", path=tmp_path / "none.ini")[0] == 2
    assert paste("--check", path=tmp_path)[0] == 2
    file.write_bytes(STOCK.encode() + b"# caf\xe9\n")
    status, _, err = paste("--install")
    line = STOCK.count("\n") + 1
    assert (status, f"not UTF-8 (line {line}, " in err) == (2, True)


def test_a_pipe_is_not_waited_for(paste, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    status, _, err = paste("--check", path=tmp_path / "pipe")
    assert (status, "is no plain file" in err) == (2, True)


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (errno.EBUSY, "Device or resource busy. It is mounted there by itself"),
        (errno.EROFS, "Read-only file system. Edit it where it comes from"),
        (errno.EPERM, "Operation not permitted. Is it immutable"),
        (errno.ENOSPC, "No space left on device."),
    ],
)
def test_what_the_system_refuses_is_told_with_a_mend(
    file, paste, monkeypatch, code, mend
):
    def refuse(source, target):
        raise OSError(code, os.strerror(code), source, None, target)

    monkeypatch.setattr(paste_command.os, "replace", refuse)
    status, _, err = paste("--install")
    assert (status, err.startswith(f"ooi-manage: {file}")) == (2, True)
    assert mend in err
    assert "[Errno" not in err
    assert file.read_text() == STOCK


def test_two_at_once_wait_for_each_other(file, monkeypatch):
    real, ran = paste_command._replace, []

    def replace(path, old, new):
        other = [*("paste", "--install", "--isolation", "--file"), str(file)]
        program = (
            f"import sys; from ooi_ext import manage; sys.exit(manage.main({other}))"
        )
        ran.append(subprocess.Popen([sys.executable, "-c", program], cwd=ROOT))
        with pytest.raises(subprocess.TimeoutExpired):
            # It has started and read nothing, or it would have been done by now.
            ran[0].wait(5)
        real(path, old, new)

    monkeypatch.setattr(paste_command, "_replace", replace)
    assert manage.main(["paste", "--install", "--file", str(file)]) == 0
    assert ran[0].wait(60) == 0
    assert file.read_text() == ISOLATED
    assert Path(f"{file}{paste_command.KEPT}").read_text() == INSTALLED


def test_the_file_that_nova_reads(file, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    environ = {"OS_NOVA_CONFIG_DIR": str(tmp_path)}
    assert paste_command.find("", environ) == file
    other = tmp_path / "other.ini"
    other.write_text(STOCK)
    (tmp_path / "nova.conf").write_text("[wsgi]\napi_paste_config = other.ini\n")
    assert paste_command.find("", environ) == other
    (tmp_path / "nova.conf").write_text(f"[DEFAULT]\napi_paste_config = {other}\n")
    assert paste_command.find("", environ) == other
    environ["OS_NOVA_CONFIG_FILES"] = "api-paste.ini;nova.conf"
    assert paste_command.find("", environ) == file
    assert paste_command.find(str(other), environ) == other
    (tmp_path / "nova.conf").write_text("no section")
    monkeypatch.setenv("OS_NOVA_CONFIG_DIR", str(tmp_path))
    assert manage.main(["paste", "--check"]) == 2
    assert "--file" in capsys.readouterr().err


def test_there_is_no_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OS_NOVA_CONFIG_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("OS_NOVA_CONFIG_FILES", raising=False)
    monkeypatch.setattr(paste_command, "_configured", lambda site: "")
    assert manage.main(["paste", "--check"]) == 2
    assert "There is no" in capsys.readouterr().err


def test_nova_is_not_loaded(file):
    program = (
        "import sys; from ooi_ext import manage\n"
        f"status = manage.main(['paste', '--install', '--file', {str(file)!r}])\n"
        "sys.exit(9 if 'nova' in sys.modules else status)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60)
    assert ran.returncode == 0
    assert file.read_text() == INSTALLED
