# SPDX-License-Identifier: Apache-2.0
# Thin: each target is one command that can be typed by hand.

PYTHON ?= python3
BIN := .venv/bin
# A clone without tags, a shallow one and an export without .git all build.
export PBR_VERSION ?= $(shell git describe --tags --exact-match 2>/dev/null || echo 0.1.0.dev0)

.PHONY: help venv demo test test-all lint unit core functional functional-servers functional-logins functional-production guide fuzz occi-report isolation-report tempest lab lab-down lab-status bench docs

help:
	@echo "make demo        show the main job on a real OpenStack, from a bare machine"
	@echo "make test        lint, unit tests, functional tests on the lab"
	@echo "make lab         start the lab (LAB_ROOT, LAB_PORT_BASE, LAB_KEYSTONE_WORKERS,"
	@echo "                 LAB_VOMS_DELEGATION=1, ISOLATION=shared-project, project-per-user"
	@echo "                 or off, MODE=production); lab-status, lab-down"
	@echo "make venv        .venv with the project and its pins"
	@echo "make bench       benchmarks; make docs: doc/build/html"
	@echo "make core        the validator's tests beside the oldest and newest cryptography"
	@echo "make occi-report each feature of OCCI by the lab tests that show it"
	@echo "make isolation-report  who reaches whose resources, in each mode"
	@echo "make functional-production  logins through Apache, by proxies of a real VOMS server"
	@echo "make guide       the install guide, followed word for word on a site of its own (root)"
	@echo "make tempest     Tempest: our tests, and OpenStack's smoke tests with and without us"
	@echo "make fuzz        a minute of any bytes for the parsers"

venv: .venv/.made

.venv/.made: setup.cfg setup.py pyproject.toml requirements.txt test-requirements.txt constraints/2026.2.txt
	$(PYTHON) tests/lab/python_ready.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints/2026.2.txt \
	    --requirement test-requirements.txt --editable '.[keystone,nova,client]'
	touch $@

demo: venv
	$(BIN)/python -m tests.lab.demo

# The lab's tests wait most of the time: half of them run beside the other half, in a
# lab of their own, and the rest behind what ends first.
test: lint
	$(MAKE) --jobs=2 --output-sync=target functional-servers functional-logins unit core

test-all: test

PACKAGES := keystone_voms_ext ooi_ext vo_policy_ext fedcloud_tempest_plugin
SHELL_FILES := .ci/run devstack/settings devstack/plugin.sh $(wildcard devstack/lib/* tests/devstack/*.sh)
lint: venv
	@command -v shellcheck >/dev/null || { echo "lint needs shellcheck: apt-get install shellcheck"; exit 1; }
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/flake8 $(PACKAGES) tests
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive $(PACKAGES)
	$(BIN)/bashate --ignore E006 $(SHELL_FILES)
	shellcheck $(SHELL_FILES)

# No two services share a process, for their options have the same names.
COVERED := --cov=keystone_voms_ext.voms --cov=ooi_ext.rendering --cov-branch
APART := tests/unit/policy/nova tests/unit/policy/cinder tests/unit/policy/glance
unit: venv
	set -e; for folder in $(APART); do $(BIN)/python -m pytest $$folder; done
	$(BIN)/python -m pytest tests/unit tests/properties \
	    $(addprefix --ignore=,$(APART) tests/unit/ooi) $(COVERED) --cov-report=
	$(BIN)/python -m pytest tests/unit/ooi $(COVERED) --cov-append \
	    --cov-fail-under=100

# The validator needs cryptography alone: Debian 12's, and the newest there is.
core: .core/oldest/.made .core/newest/.made
	.core/oldest/bin/python -m pytest --quiet tests/unit/voms
	.core/newest/bin/python -m pytest --quiet tests/unit/voms

.core/oldest/.made: CRYPTOGRAPHY = cryptography==38.0.4
.core/newest/.made: CRYPTOGRAPHY = cryptography
.core/oldest/.made .core/newest/.made: requirements.txt
	$(PYTHON) tests/lab/python_ready.py
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade '$(CRYPTOGRAPHY)' pytest
	touch $@

functional: venv
	$(BIN)/python -m pytest tests/functional --ignore=tests/functional/test_production.py

functional-servers: export LAB_ROOT = .lab-servers
functional-servers: export LAB_PORT_BASE = 16000
functional-servers: venv
	$(BIN)/python -m pytest --durations=15 \
	    $(wildcard tests/functional/test_occi*.py tests/functional/test_isolation*.py)

functional-logins: venv
	$(BIN)/python -m pytest --durations=15 tests/functional \
	    --ignore=tests/functional/test_production.py \
	    --ignore-glob='*/test_occi*.py' --ignore-glob='*/test_isolation*.py'

# Not part of test: it brings Apache, RabbitMQ and vomsd to the machine.
functional-production: export MODE = production
functional-production: export LAB_ROOT = .lab-production
functional-production: export LAB_PORT_BASE = 17000
functional-production: venv
	$(BIN)/python -m pytest tests/functional/test_production.py

# Not part of test: it takes ten minutes, root and namespaces.
guide: venv
	$(BIN)/python -m tests.guide apache
	$(BIN)/python -m tests.guide haproxy

lab: venv
	$(BIN)/python -m tests.lab up

lab-down: venv
	$(BIN)/python -m tests.lab down

lab-status: venv
	$(BIN)/python -m tests.lab status

bench: venv
	$(BIN)/python -m tests.bench

# Atheris is wanted for this alone, and has no wheel for every Python.
fuzz: venv
	$(BIN)/python -m pip install --quiet --constraint constraints/2026.2.txt atheris
	$(BIN)/python -m tests.fuzz --seconds 60

occi-report: venv
	$(BIN)/python -m tests.occi

isolation-report: venv
	$(BIN)/python -m tests.isolation

tempest: venv
	$(BIN)/python -m tests.tempest

docs: venv
	$(BIN)/sphinx-build -W -b html doc/source doc/build/html
