# SPDX-License-Identifier: Apache-2.0
"""The features of OCCI's infrastructure: kinds, mixins and actions.

Owns: those of GFD.224, what of GFD.184 it has dropped, and the extensions of
rOCCI, OpenStack and the federation. Must never: hold what all kinds share;
that is protocol. Read INFRASTRUCTURE.
"""

from tests.occi.feature import ALL, EXTENSION, MAY, MUST, SHOULD, Feature, http

INFRASTRUCTURE = (
    Feature(
        name="kinds entity, resource, link",
        section="GFD.221 5.4",
        level=MUST,
        used_by=ALL,
        tests=http("query", "lists"),
        note="They have a location in every rendering, because jOCCI refuses a kind "
        "without one.",
    ),
    Feature(
        name="compute: attributes and states",
        section="GFD.224 3.1",
        level=MUST,
        used_by=ALL,
        tests=(
            "test_occi::test_a_client_runs_a_machine",
            "test_occi::test_a_machine_booted_from_a_volume_is_shown",
            "test_occi_compute::test_what_a_machine_keeps",
            *http("compute-plain"),
        ),
        note="The memory is in GiB. Architecture and share follow from the image and "
        "the resource_tpl and cannot be set.",
    ),
    Feature(
        name="compute: start, stop, restart, suspend, with their methods",
        section="GFD.224 3.1",
        level=MUST,
        used_by=("rOCCI-cli", "IM", "jOCCI", "pOCCI"),
        tests=(
            "test_occi::test_suspend_and_restart",
            "test_occi_compute::test_methods_of_actions",
        ),
        note="Nova has one way to stop, which asks the guest first.",
    ),
    Feature(
        name="compute: save, as a new OS template",
        section="GFD.224 3.1",
        level=MUST,
        used_by=("rOCCI-cli",),
        tests=(
            "test_occi_compute::test_a_machine_is_saved",
            "test_occi_clients::test_rocci_cli",
        ),
        note='method="deferred" is for machines that stand still.',
    ),
    Feature(
        name="storage: attributes, states, online, offline",
        section="GFD.224 3.3",
        level=MUST,
        used_by=("rOCCI-cli", "IM", "pOCCI"),
        tests=(
            "test_occi_storage::test_offline_keeps_a_volume",
            "test_occi_storage::test_what_is_offline_can_be_deleted",
            "test_occi_storage::test_collections_in_every_rendering",
            *http("storage-plain"),
        ),
    ),
    Feature(
        name="storage: snapshot and resize",
        section="GFD.184 3.3",
        level=MUST,
        used_by=("pOCCI",),
        tests=(
            "test_occi_storage::test_resize_snapshot_and_backup",
            *http("storage-headers"),
        ),
        note="OCCI 1.2 has them no more, nor backup. Backup is not advertised, and is "
        "501: many sites do not run the service that it needs.",
    ),
    Feature(
        name="network: attributes, states, up, down",
        section="GFD.224 3.2",
        level=MUST,
        used_by=ALL,
        tests=(
            "test_occi_network::test_a_network_from_beginning_to_end",
            "test_occi_network::test_a_network_is_switched",
            *http("network-plain"),
        ),
    ),
    Feature(
        name="ipnetwork",
        section="GFD.224 3.2.1",
        level=MUST,
        used_by=ALL,
        tests=(
            "test_occi_network::test_a_network_from_beginning_to_end",
            *http("network-json"),
        ),
        note="One address range: the first subnet of a network with several.",
    ),
    Feature(
        name="networkinterface and ipnetworkinterface",
        section="GFD.224 3.4.1",
        level=MUST,
        used_by=("rOCCI-cli", "IM", "jOCCI", "pOCCI"),
        tests=(
            "test_occi_network::test_im_adds_a_public_address",
            "test_occi_network::test_a_network_from_beginning_to_end",
            *http("compute-json", "network-headers", "network-json"),
        ),
    ),
    Feature(
        name="storagelink",
        section="GFD.224 3.4.2",
        level=MUST,
        used_by=("rOCCI-cli", "IM", "jOCCI", "pOCCI"),
        tests=(
            "test_occi_storage::test_im_adds_a_disk_and_takes_it_away",
            "test_occi_storage::test_rocci_links_and_unlinks",
            *http("storage-plain", "storage-json"),
        ),
        note="The mount point is the guest's affair: it is not shown.",
    ),
    Feature(
        name="links to storage managed by CDMI",
        section="GFD.224 3.4.3",
        # "OCCI can be used in conjunction with" it.
        level=MAY,
        reason="OpenStack has no CDMI.",
    ),
    Feature(
        name="os_tpl and the images of a site",
        section="GFD.224 3.5.1",
        level=SHOULD,
        used_by=ALL,
        tests=(
            "test_occi::test_no_failure_leaves_a_key",
            "test_occi_names::test_names_of_images_and_flavors",
            *http("query", "compute-plain"),
        ),
        note="A machine keeps its image; another one is a 400, as the standard has it.",
    ),
    Feature(
        name="resource_tpl and the flavors of a site",
        section="GFD.224 3.5.2",
        level=SHOULD,
        used_by=ALL,
        tests=(
            "test_occi_compute::test_a_size_is_changed",
            "test_occi_clients::test_rocci_cli",
            *http("query"),
        ),
    ),
    Feature(
        name="context: ssh_key and user_data of OCCI 1.2",
        section="GFD.224 3.5.2",
        level=SHOULD,
        tests=http("compute-plain"),
    ),
    Feature(
        name="context: public_key and user_data of OpenStack",
        section="EGI",
        level=EXTENSION,
        used_by=("rOCCI-cli", "IM", "Nagios"),
        tests=(
            "test_occi::test_the_context_reaches_nova",
            "test_occi::test_no_failure_leaves_a_key",
        ),
        note="The key pair that Nova needs for it lives as long as the request.",
    ),
    Feature(
        name="ipreservation",
        section="rOCCI",
        level=EXTENSION,
        used_by=("rOCCI-cli", "sscmon"),
        tests=(
            "test_occi_addresses::test_an_address_is_reserved_and_stays",
            *http("network-plain"),
        ),
        note="It has no actions.",
    ),
    Feature(
        name="securitygroup and securitygrouplink",
        section="rOCCI",
        level=EXTENSION,
        used_by=("rOCCI-cli",),
        tests=("test_occi_addresses::test_a_security_group_and_its_link",),
    ),
    Feature(
        name="floating IP pools",
        section="OpenStack",
        level=EXTENSION,
        used_by=("IM", "sscmon"),
        tests=(
            "test_occi_network::test_im_adds_a_public_address",
            "test_occi_compute::"
            "test_a_machine_begins_with_networks_and_a_public_address",
        ),
    ),
    Feature(
        name="osnetwork, and the network PUBLIC",
        section="OpenStack",
        level=EXTENSION,
        used_by=("IM", "sscmon"),
        tests=(
            "test_occi_network::test_a_link_to_the_public_network_and_its_end",
            *http("network-headers"),
        ),
    ),
    Feature(
        name="availability zones",
        section="rOCCI",
        level=EXTENSION,
        tests=("test_occi_compute::test_a_zone_of_choice",),
    ),
)
