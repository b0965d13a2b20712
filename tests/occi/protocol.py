# SPDX-License-Identifier: Apache-2.0
"""The features that all kinds share: HTTP, renderings, collections.

Owns: those of GFD.221, GFD.223, GFD.226 and GFD.229. Must never: hold a kind
or mixin; that is infrastructure. Read PROTOCOL.
"""

from tests.occi.feature import ALL, EXTENSION, MAY, MUST, SHOULD, Feature, http

PROTOCOL = (
    # The query interface
    Feature(
        name="query interface at /-/, with attributes and actions",
        section="GFD.223 9.1",
        level=MUST,
        used_by=ALL,
        tests=(
            "test_occi_clients::test_jocci",
            "test_occi_clients::test_the_nagios_probe",
            *http("query"),
        ),
    ),
    Feature(
        name="query interface at /.well-known/org/ogf/occi/-/",
        section="GFD.223 9",
        level=MAY,
        tests=http("query"),
    ),
    Feature(
        name="query interface filtered by a category",
        section="GFD.223 7.1",
        level=SHOULD,
        used_by=("rOCCI-cli", "pOCCI"),
        tests=(
            "test_occi_compute::test_the_query_interface_is_filtered",
            *http("query"),
        ),
    ),
    Feature(
        name="mixins that users define",
        section="GFD.223 9.3, 9.4",
        level=MUST,
        used_by=("pOCCI",),
        tests=(
            "test_occi_compute::test_mixins_of_users_are_refused",
            *http("query"),
        ),
        note="Refused with 501, which a provider may do: no service of OpenStack has a "
        "place for tags on all kinds.",
    ),
    # Collections
    Feature(
        name="collections of kinds",
        section="GFD.223 11.1",
        level=MUST,
        used_by=ALL,
        tests=(
            "test_occi_storage::test_collections_in_every_rendering",
            "test_occi_compute::test_a_list_in_full",
            *http("lists"),
        ),
    ),
    Feature(
        name="collections filtered by category and attribute",
        section="GFD.223 7.2",
        level=SHOULD,
        tests=(
            "test_occi_compute::test_all_machines_at_once",
            *http("lists", "storage-headers"),
        ),
    ),
    Feature(
        name="collections of mixins",
        section="GFD.223 11.1 to 11.4",
        level=MUST,
        tests=(
            "test_occi_compute::test_a_size_is_changed",
            "test_occi_isolation::test_no_action_reaches_another_project_s",
            *http("compute-plain", "network-plain"),
        ),
        note="Only a resource_tpl can be given to a machine that exists, and nothing "
        "can be taken; the rest is a 400, as the standard has it.",
    ),
    Feature(
        name="GET / and other unbound paths: all that there is",
        section="GFD.223 4.1",
        level=MAY,
        used_by=("rOCCI-cli", "jOCCI"),
        tests=("test_occi_clients::test_jocci", *http("lists")),
    ),
    Feature(
        name="pages of a collection",
        section="GFD.223 6",
        level=SHOULD,
        tests=("test_occi_hostile::test_pages", *http("compute-plain", "lists")),
    ),
    Feature(
        name="actions on collections",
        section="GFD.223 11.3.3",
        level=MUST,
        tests=("test_occi_compute::test_all_machines_at_once", *http("lists")),
    ),
    Feature(
        name="delete of collections",
        section="GFD.223 11.4.1",
        level=MUST,
        used_by=("Nagios",),
        tests=(
            "test_occi_clients::test_the_nagios_probe",
            "test_occi_clients::test_whole_collections_go",
            "test_occi_isolation::test_no_end_of_all_reaches_another_project_s",
        ),
    ),
    # Entities
    Feature(
        name="create, with links inside",
        section="GFD.223 11.3.1",
        level=MUST,
        used_by=ALL,
        tests=(
            "test_occi_compute::test_a_machine_begins_with_a_disk",
            "test_occi_compute::"
            "test_a_machine_begins_with_networks_and_a_public_address",
            "test_occi_clients::test_im",
            *http("compute-headers", "storage-json"),
        ),
        note="One entity a request.",
    ),
    Feature(
        name="partial update",
        section="GFD.223 10.3.1",
        level=MUST,
        used_by=("rOCCI-cli",),
        tests=(
            "test_occi_compute::test_names_are_changed",
            "test_occi_storage::test_updates",
            "test_occi_network::test_a_network_is_changed",
        ),
    ),
    Feature(
        name="full update",
        section="GFD.223 10.2.2",
        level=MUST,
        used_by=("jOCCI", "pOCCI"),
        tests=(
            "test_occi_clients::test_jocci",
            "test_occi_storage::test_updates",
            *http("compute-plain", "storage-plain"),
        ),
        note="PUT creates nothing: the cloud names what it makes. At an id that is not "
        "there it is a 404.",
    ),
    Feature(
        name="actions on entities",
        section="GFD.223 10.3.2",
        level=MUST,
        used_by=("rOCCI-cli", "IM", "jOCCI", "pOCCI"),
        tests=(
            "test_occi_compute::test_methods_of_actions",
            *http("compute-headers", "compute-json"),
        ),
    ),
    Feature(
        name="delete of entities",
        section="GFD.223 10.4",
        level=MUST,
        used_by=ALL,
        tests=(
            "test_occi::test_a_client_runs_a_machine",
            "test_occi_clients::test_im",
        ),
    ),
    # Renderings and HTTP
    Feature(
        name="text/plain, in and out",
        section="GFD.229 6",
        level=MUST,
        used_by=("rOCCI-cli", "IM", "jOCCI", "Nagios"),
        tests=http("compute-plain", "network-plain", "storage-plain"),
    ),
    Feature(
        name="text/occi+plain",
        section="GFD.229 6",
        level=MUST,
        tests=(
            "test_occi_names::test_names_set_through_nova",
            *http("query"),
        ),
    ),
    Feature(
        name="text/occi, in and out",
        section="GFD.229 7",
        level=MUST,
        used_by=("jOCCI", "pOCCI"),
        tests=(
            "test_occi::test_text_occi_all_the_way",
            *http("compute-headers", "network-headers", "storage-headers"),
        ),
    ),
    Feature(
        name="text/uri-list",
        section="GFD.229 8",
        level=MUST,
        used_by=("rOCCI-cli",),
        tests=("test_occi_clients::test_rocci_cli", *http("lists", "query")),
    ),
    Feature(
        name="application/occi+json, in and out",
        section="GFD.226",
        level=MUST,
        used_by=("rOCCI-cli",),
        tests=(
            "test_occi_compute::test_a_list_in_full",
            *http("compute-json", "network-json", "storage-json", "query"),
        ),
    ),
    Feature(
        name="choice by Accept with q values; 406, 415, 405 with Allow",
        section="GFD.223 5",
        level=MUST,
        used_by=("rOCCI-cli",),
        tests=("test_occi::test_bad_requests", *http("query")),
    ),
    Feature(
        name="versions: Server on each answer, 501 for one to come",
        section="GFD.223 5.3",
        level=MUST,
        tests=(
            "test_occi_endpoint::test_in_nova_s_own_pipeline_too",
            "test_occi_endpoint::test_a_client_runs_at_the_other_prefixes",
            *http("query"),
        ),
    ),
    Feature(
        name="Accept in answers names the renderings",
        section="GFD.223 5.2",
        level=SHOULD,
        tests=http("compute-plain"),
    ),
    Feature(
        name="errors in the client's own format; no 500 for its faults",
        section="GFD.223 5.4",
        level=MUST,
        used_by=ALL,
        tests=(
            "test_occi::test_an_error_for_text_occi_stands_in_a_header",
            "test_occi_hostile::test_texts",
            "test_occi_hostile::test_headers",
            "test_occi_hostile::test_documents",
            "test_occi_hostile::test_paths",
        ),
    ),
    Feature(
        name="503 that names the service that is down",
        section="GFD.223 5.4",
        level=SHOULD,
        tests=(
            "test_occi::test_without_glance_machines_go_on",
            "test_occi_storage::test_without_cinder_machines_go_on",
            "test_occi_down::test_storage_is_503_without_cinder",
            "test_occi_down::test_networks_are_503_without_neutron",
            "test_occi_down::test_a_service_that_hangs",
        ),
        note="Nova shows no machine without Neutron, and then it is Nova that fails.",
    ),
    Feature(
        name="where to get a token: WWW-Authenticate",
        section="EGI",
        level=EXTENSION,
        used_by=ALL,
        tests=(
            "test_occi_endpoint::test_without_a_token_clients_are_sent_to_keystone",
            "test_occi_clients::test_rocci_cli",
            "test_occi_clients::test_im",
        ),
    ),
    Feature(
        name="two projects never see each other's entities",
        section="GFD.223 12",
        level=SHOULD,
        tests=(
            "test_occi_isolation::test_no_collection_holds_another_project_s",
            "test_occi_isolation::test_no_action_reaches_another_project_s",
            "test_occi_isolation::test_no_link_joins_two_projects",
            "test_occi_isolation::test_no_machine_begins_with_another_project_s",
            "test_occi_addresses::test_two_projects_never_meet",
        ),
    ),
)
