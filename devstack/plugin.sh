#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# devstack/plugin.sh: which function of devstack/lib runs in which phase.
# shellcheck disable=SC1091  # the files are found when DevStack runs

source "$FEDCLOUD_DIR/devstack/lib/fedcloud"
source "$FEDCLOUD_DIR/devstack/lib/keystone-voms"
source "$FEDCLOUD_DIR/devstack/lib/identity"
source "$FEDCLOUD_DIR/devstack/lib/occi"
source "$FEDCLOUD_DIR/devstack/lib/isolation"
source "$FEDCLOUD_DIR/devstack/lib/fedcloud-tempest"

case "$1 ${2:-}" in
    "stack pre-install")
        fedcloud_check_settings
        fedcloud_install_packages
        fedcloud_prepare_apache
        ;;
    "stack install")
        echo_summary "Installing fedcloud-openstack"
        fedcloud_install
        fedcloud_configure_trust
        fedcloud_configure_keystone
        ;;
    # Keystone runs already; Nova, Cinder and Glance are about to start.
    "stack post-config")
        echo_summary "Configuring fedcloud-openstack"
        fedcloud_serve_keystone
        fedcloud_configure_occi
        fedcloud_isolate_nova
        fedcloud_isolate_cinder
        fedcloud_isolate_glance
        ;;
    "stack extra")
        echo_summary "Registering VOs and the OCCI interface"
        fedcloud_create_projects
        fedcloud_create_identity_provider
        fedcloud_write_voms_json
        fedcloud_register_occi
        ;;
    "stack test-config")
        fedcloud_configure_tempest
        ;;
    "unstack ")
        fedcloud_disable_site
        fedcloud_put_back
        ;;
    "clean ")
        fedcloud_clean
esac
