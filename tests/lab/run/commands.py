# SPDX-License-Identifier: Apache-2.0
"""Runs one OpenStack management command several times in one interpreter.

Owns the saving: such a command spends most of its seconds on imports. It must
never go on after a run that failed. Read main.

Command: python -m tests.lab.run.commands MODULE ARGUMENTS [-- ARGUMENTS]...
"""

import importlib
import sys

from oslo_config import cfg


def split(arguments: list[str]) -> list[list[str]]:
    """Return the arguments of each run, which `--` keeps apart."""
    runs: list[list[str]] = [[]]
    for argument in arguments:
        if argument == "--":
            runs.append([])
        else:
            runs[-1].append(argument)
    return runs


def main() -> None:
    module, *arguments = sys.argv[1:]
    command = importlib.import_module(module)
    for run in split(arguments):
        sys.argv = [module, *run]
        status = command.main()
        if status:
            sys.exit(status)
        cfg.CONF.reset()


if __name__ == "__main__":
    main()
