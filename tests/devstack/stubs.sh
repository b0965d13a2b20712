#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stands in for DevStack: its variables and those of its functions that the plugin
# calls. Each call is a line in ROOT/calls. Functions on files do their work, below
# ROOT and nowhere else; the others only change what a test can see of them. It is
# written anew, to what DevStack's documentation and callers expect of each name.
# shellcheck disable=SC2034  # the plugin reads the variables

declare -A GITDIR
GITDIR[fedcloud-openstack]=$CHECKOUT
DEST=$ROOT/dest
DATA_DIR=$DEST/data
SERVICE_TIMEOUT=60
REGION_NAME=RegionOne
SSL_BUNDLE_FILE=$DATA_DIR/ca-bundle.pem
DEVSTACK_CERT=$DATA_DIR/devstack-cert.pem
KEYSTONE_SERVICE_HOST=192.0.2.1
NOVA_SERVICE_HOST=192.0.2.1
KEYSTONE_CONF_DIR=$ROOT/etc/keystone
KEYSTONE_CONF=$KEYSTONE_CONF_DIR/keystone.conf
KEYSTONE_PUBLIC_UWSGI_CONF=$KEYSTONE_CONF_DIR/keystone-uwsgi-public.ini
NOVA_CONF=$ROOT/etc/nova/nova.conf
NOVA_API_PASTE_INI=$ROOT/etc/nova/api-paste.ini
CINDER_CONF_DIR=$ROOT/etc/cinder
CINDER_CONF=$CINDER_CONF_DIR/cinder.conf
CINDER_API_PASTE_INI=$CINDER_CONF_DIR/api-paste.ini
GLANCE_CONF_DIR=$ROOT/etc/glance
GLANCE_API_CONF=$GLANCE_CONF_DIR/glance-api.conf
GLANCE_API_PASTE_INI=$GLANCE_CONF_DIR/glance-api-paste.ini
TEMPEST_CONFIG=$ROOT/etc/tempest/tempest.conf
FEDCLOUD_SSL_CONF=$ROOT/apache/mods/ssl.conf
ENABLED_SERVICES=${ENABLED_SERVICES:-key,n-api,c-api,g-api,tempest,tls-proxy}

function call {
    echo "$*" >>"$ROOT/calls"
}

function die {
    echo "${*:2}" >&2
    exit 1
}

function echo_summary {
    call echo_summary "$@"
}

function define_plugin {
    call define_plugin "$@"
}

function is_ubuntu {
    [[ ${PLATFORM:-debian} == debian ]]
}

function is_service_enabled {
    [[ ,$ENABLED_SERVICES, == *,$1,* ]]
}

# ini files

function iniset {
    local words

    call iniset "$@"
    # As in DevStack, white space in the value becomes one blank.
    read -ra words <<<"$4" || true
    [[ -e $1 ]] || : >"$1"
    SECTION=$2 OPTION=$3 VALUE="${words[*]}" \
        awk -f "$STUBS/iniset.awk" "$1" >"$ROOT/iniset.new"
    cat "$ROOT/iniset.new" >"$1"
    rm "$ROOT/iniset.new"
}

function iniget {
    SECTION=$2 OPTION=$3 awk -f "$STUBS/iniget.awk" "$1"
}

# Packages

function get_plugin_packages {
    grep -v '^#' "$CHECKOUT/devstack/files/debs/fedcloud-openstack"
}

function install_package {
    call install_package "$@"
}

function setup_develop {
    call setup_develop "$@"
    echo "$2" >"$ROOT/venv/fedcloud-openstack"
}

function pip_uninstall {
    call pip_uninstall "$@"
    rm -f "$ROOT/venv/$1"
}

function get_python_exec_prefix {
    echo "$ROOT/venv/bin"
}

# Apache and services

function apache_site_config_for {
    echo "$ROOT/apache/sites/$1.conf"
}

function enable_apache_mod {
    call enable_apache_mod "$@"
}

function enable_apache_site {
    call enable_apache_site "$@"
    touch "$ROOT/apache/enabled/$1"
}

function disable_apache_site {
    call disable_apache_site "$@"
    rm -f "$ROOT/apache/enabled/$1"
}

function restart_apache_server {
    call restart_apache_server
}

function restart_service {
    call restart_service "$@"
}

function wait_for_service {
    call wait_for_service "$@"
    [[ ${KEYSTONE_ANSWERS:-yes} == yes ]]
}

# Run a command on files below ROOT, as whoever runs the test.
function sudo {
    local word

    call sudo "$@"
    for word in "${@:2}"; do
        if [[ $word == /* && $word != "$ROOT"/* ]]; then
            die 0 "sudo $* leaves the folder of the test"
        fi
    done
    case $1 in
        a2dismod)
            rm -f "$ROOT/apache/mods/$2.load"
            ;;
        cp|rm|rmdir|sed|tee)
            command "$@"
            ;;
        *)
            die 0 "sudo $*: the stub does not know this command"
    esac
}

# Keystone

function get_or_create_role {
    call get_or_create_role "$@"
}

function get_or_create_group {
    call get_or_create_group "$@"
    echo "group-$1"
}

function get_or_create_project {
    call get_or_create_project "$@"
    echo "project-$1"
}

function get_or_add_group_project_role {
    call get_or_add_group_project_role "$@"
}

# What was created is there when it is asked for again.
function openstack {
    local kind=${*:3:2}

    call openstack "$@"
    case $* in
        *" show "*)
            [[ -e "$ROOT/keystone/${kind% show}" ]]
            ;;
        *" create "*)
            touch "$ROOT/keystone/${kind% create}"
            ;;
        *)
            die 0 "openstack $*: the stub does not know this command"
    esac
}
