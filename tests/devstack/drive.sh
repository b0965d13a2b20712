#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# drive.sh CHECKOUT ROOT PHASE...: run phases of the plugin of a checkout as stack.sh,
# unstack.sh and clean.sh do, on the stand-ins of stubs.sh. A phase is stack:install,
# or unstack; local.conf is ROOT/localrc.
# shellcheck disable=SC1090,SC1091  # the files are those of the arguments
set -o errexit

CHECKOUT=$1
ROOT=$2
STUBS=$(dirname "${BASH_SOURCE[0]}")
PHASES=("${@:3}")
if [[ -e $ROOT/localrc ]]; then
    source "$ROOT/localrc"
fi
source "$STUBS/stubs.sh"
source "$CHECKOUT/devstack/settings"
for phase in "${PHASES[@]}"; do
    call "== $phase"
    # As DevStack does it: without a second word where there is no second phase.
    # shellcheck disable=SC2086
    source "$CHECKOUT/devstack/plugin.sh" ${phase/:/ }
done
# DevStack has other plugins and one set of variables: those of functions stay in them.
left=$(compgen -v | grep -E '^[a-z]' | grep -vxE 'phase|left' || true)
if [[ -n $left ]]; then
    echo "the plugin leaves variables behind: $left" >&2
    exit 1
fi
