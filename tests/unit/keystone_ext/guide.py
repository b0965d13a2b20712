# SPDX-License-Identifier: Apache-2.0
"""The configuration files that a site gets: the shipped ones, set up by the guide.

Owns what the install guide makes of a shipped file, so that what is tested is what is
told. Read ``APACHE`` and its like first.
"""

import re
import subprocess
from pathlib import Path

from keystone_voms_ext.checks.finding import NOTE, WRONG
from tests.guide import ini, reader
from tests.guide.actions import Commands, File

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "doc" / "source" / "install" / "index.rst").read_text("utf-8")
DEPLOY = ROOT / "deploy"
SECONDS = 20
# Debian's main file, less what no check looks at.
_DEBIANS_MAIN = """\
DefaultRuntimeDir ${APACHE_RUN_DIR}
User ${APACHE_RUN_USER}
IncludeOptional mods-enabled/*.load
IncludeOptional mods-enabled/*.conf
Include ports.conf
IncludeOptional conf-enabled/*.conf
IncludeOptional sites-enabled/*.conf
"""
DEBIANS_APACHE = {
    "apache2.conf": _DEBIANS_MAIN,
    "envvars": "export APACHE_RUN_DIR=/run/apache2$SUFFIX\nunset HOME\n",
    "ports.conf": "Listen 80\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n",
    "mods-enabled/ssl.load": "# Depends\nLoadModule ssl_module /m/mod_ssl.so\n",
    "mods-enabled/ssl.conf": """\
<IfModule mod_ssl.c>
    #   SSLSessionCache shmcb:${APACHE_RUN_DIR}/ssl_scache(512000)
    SSLSessionCacheTimeout  300
</IfModule>
""",
    "sites-enabled/000-default.conf": """\
<VirtualHost *:80>
    DocumentRoot /var/www/html
</VirtualHost>
""",
}


def printed(path, *, variant):
    """Return the one text that the guide prints for a file."""
    actions = reader.read(GUIDE, variant=variant)
    found = [one for one in actions if isinstance(one, File) and one.path == path]
    (one,) = found
    return one.text


def edited(path, text, *, variant, folder):
    """Return a file's text after the one ``sed -i`` that the guide has for it."""
    actions = reader.read(GUIDE, variant=variant)
    blocks = [one.text for one in actions if isinstance(one, Commands)]
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    (line,) = [one for one in lines if one.startswith("sed -i ") and path in one]
    copy = folder / "edited"
    copy.write_text(text)
    # A command of our own guide, on a copy.
    command = ["bash", "-c", line.replace(path, str(copy))]
    subprocess.run(command, check=True, timeout=SECONDS)
    return copy.read_text()


def bare(text):
    """Return a text without the lines that are comments."""
    return re.sub(r"(?m)^ *#.*\n", "", text)


def by_default(text):
    """Return an Apache file as Apache reads it when nothing else is defined."""
    text = bare(text)
    values = dict(re.findall(r"(?m)^ +Define (\w+) (.+)$", text))
    text = re.sub(r"(?m)^ *Define .*\n", "", text)
    text = re.sub(r"(?ms)^ *<IfDefine \w.*?</IfDefine>\n", "", text)
    text = re.sub(r"(?m)^ *</?IfDefine.*\n", "", text)
    return re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], text)


def for_haproxy(folder):
    """Return uWSGI's file after what the guide does to it for HAProxy."""
    path, options = "/etc/keystone/keystone-voms-uwsgi.ini", {"variant": reader.HAPROXY}
    text = edited(path, UWSGI, folder=folder, **options)
    return ini.merged(text, printed(path, **options))


APACHE = (DEPLOY / "apache" / "keystone-voms.conf").read_text("utf-8")
HAPROXY = (DEPLOY / "haproxy" / "keystone-voms.cfg").read_text("utf-8")
UWSGI = (DEPLOY / "uwsgi" / "keystone-voms.ini").read_text("utf-8")


def changed(text, old, new):
    """Return a text with its one occurrence of ``old`` replaced."""
    assert text.count(old) == 1, (old, text.count(old))
    return text.replace(old, new)


def faults(findings):
    """Return the texts of what is wrong or worth a note, as (level, text)."""
    return [(one.level, one.text) for one in findings if one.level in (NOTE, WRONG)]


def check_mended(text):
    """See that a finding says how to mend what it found, in whole sentences."""
    verbs = ("Set ", "Add ", "Move ", "Remove ", "Install ", "Make ", "Give ", "See ")
    verbs += ("Use ", "Let ", "Comment ", "Turn ", "Take ", "Put ", "Define ", "put ")
    verbs += ("names another", "Write ")
    assert text.endswith(".") and any(verb in text for verb in verbs), text
