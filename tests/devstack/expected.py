# SPDX-License-Identifier: Apache-2.0
"""What a whole run of the DevStack plugin must call, and leave in each file.

Owns: the calls and the contents, for the default settings. Must never: look into the
plugin. Read first: CALLS, then the function of each service.
"""

import re

from tests.devstack.world import CHECKOUT, World

METHODS = "external,password,token,oauth1,mapped,application_credential,ec2credential"
URI = "https://192.0.2.1:5000/identity"
OCCI = "https://192.0.2.1/compute/occi1.1"

# Each call that reaches out of the files, in its order, with the default settings.
CALLS = """\
== stack:pre-install
install_package apache2 gridsite
disable_apache_site gridsite
sudo a2dismod zgridsite
== stack:install
echo_summary Installing fedcloud-openstack
setup_develop CHECKOUT keystone,nova,client,policy
== stack:post-config
echo_summary Configuring fedcloud-openstack
restart_service devstack@keystone
disable_apache_site keystone-service-tls-proxy
enable_apache_mod ssl norestart
enable_apache_mod proxy norestart
enable_apache_mod proxy_uwsgi norestart
enable_apache_site keystone-voms
restart_apache_server
wait_for_service 60 https://192.0.2.1:5000/identity/v3
ooi-manage paste --install --isolation --file ROOT/etc/nova/api-paste.ini
== stack:extra
echo_summary Registering VOs and the OCCI interface
get_or_create_role vo_auditor
get_or_create_group vo_auditors default
get_or_create_project dteam default
get_or_add_group_project_role vo_auditor group-vo_auditors project-dteam
get_or_create_project ops default
get_or_add_group_project_role vo_auditor group-vo_auditors project-ops
get_or_create_project fedcloud.egi.eu default
get_or_add_group_project_role vo_auditor group-vo_auditors project-fedcloud.egi.eu
openstack identity provider create --domain default --authorization-ttl 1440 egi.eu
openstack mapping create --rules CHECKOUT/devstack/files/mapping-rules.json egi.eu
openstack federation protocol create --identity-provider egi.eu --mapping egi.eu mapped
ooi-manage register --os-cloud devstack-admin --region RegionOne --url \
https://192.0.2.1/compute/occi1.1
== stack:test-config
""".splitlines()
# Calls that change a file below the root, or only ask, are seen by what they leave.
SILENT = re.compile(
    r"(iniset|define_plugin|sudo (cp|rm|rmdir|sed|tee)) |openstack .* show "
)

SITE = """\
# Written by the DevStack plugin fedcloud-openstack.
Define KEYSTONE_VOMS_NAME 192.0.2.1
Define KEYSTONE_VOMS_PORT 5000
Define KEYSTONE_VOMS_CERT ROOT/dest/data/devstack-cert.pem
Define KEYSTONE_VOMS_KEY ROOT/dest/data/devstack-cert.pem
Define KEYSTONE_VOMS_CADIR ROOT/dest/data/fedcloud/certificates
Define KEYSTONE_VOMS_SOCKET /var/run/uwsgi/keystone-api.socket
Define KEYSTONE_VOMS_PREFIX /identity
Define KEYSTONE_VOMS_SESSIONS /var/cache/mod_gridsite
Include CHECKOUT/deploy/apache/keystone-voms.conf
"""


def loud(host: World) -> list[str]:
    """Return the calls that CALLS lists."""
    calls = (
        line.replace("--os-cloud devstack-system-admin ", "") for line in host.calls()
    )
    return [line for line in calls if not SILENT.match(line)]


def keystone(host: World) -> None:
    conf = "etc/keystone/keystone.conf"
    assert host.ini(conf, "auth") == {
        "methods": f"{METHODS},voms",
        "mapped": "voms",
        "token": "voms",
    }
    assert host.ini(conf, "voms") == {
        "voms_policy": f"{host.root}/etc/keystone/voms.json",
        "ca_path": f"{host.root}/dest/data/fedcloud/certificates",
        "vomsdir_path": f"{host.root}/dest/data/fedcloud/vomsdir",
        "crl_policy": "require",
        "autocreate_users": "True",
        "add_roles": "True",
        "identity_provider": "egi.eu",
        "protocol": "mapped",
    }
    assert host.ini(conf, "DEFAULT") == {"public_endpoint": URI}
    assert host.ini(conf, "identity") == {"driver": "sql"}
    assert host.ini("etc/keystone/keystone-uwsgi-public.ini", "uwsgi") == {
        "module": "keystone_voms_ext.wsgi:application",
        "env": f"OS_KEYSTONE_VOMS_PASTE={host.root}/etc/keystone/keystone-paste.ini",
        "need-app": "true",
        "buffer-size": "65535",
        "socket": "/var/run/uwsgi/keystone-api.socket",
        "chmod-socket": "666",
    }
    same(host, "etc/keystone/keystone-paste.ini", "paste/keystone-paste.ini")


def apache(host: World) -> None:
    site = host.text("apache/sites/keystone-voms.conf")
    site = site.replace(str(host.root), "ROOT").replace(str(host.checkout), "CHECKOUT")
    assert site == SITE
    enabled = {path.name for path in (host.root / "apache/enabled").iterdir()}
    assert enabled == {"keystone-api", "keystone-voms"}
    assert not (host.root / "apache/mods/zgridsite.load").exists()
    assert host.text("apache/mods/ssl.conf") == (
        "#SSLSessionCache dbm:scache\n"
        "#         SSLSessionCache  shmcb:scache(512000)\n"
        "        SSLSessionCacheTimeout  300\n"
    )


def nova(host: World) -> None:
    conf = "etc/nova/nova.conf"
    assert host.ini(conf, "keystone_authtoken") == {"www_authenticate_uri": URI}
    assert host.ini(conf, "ooi") == {
        "cafile": f"{host.root}/dest/data/ca-bundle.pem",
        "region_name": "RegionOne",
    }
    assert host.ini(conf, "oslo_policy") == {"enforce_new_defaults": "True"}
    same(host, "etc/nova/policy.d/50-vo.yaml", "policy/shared-project/nova/50-vo.yaml")


def cinder(host: World) -> None:
    conf = "etc/cinder/cinder.conf"
    filters = "etc/cinder/resource_filters.json"
    assert host.ini(conf, "DEFAULT") == {
        "resource_query_filters_file": f"{host.root}/{filters}"
    }
    same(host, filters, "policy/conf/cinder/resource_filters.json")
    assert host.ini(conf, "oslo_policy") == {"enforce_new_defaults": "True"}
    rules = "etc/cinder/policy.d/50-vo.yaml"
    same(host, rules, "policy/shared-project/cinder/50-vo.yaml")
    paste = "etc/cinder/api-paste.ini"
    _paste_is_as_shipped(host, paste, "paste/cinder-api-paste-isolation.ini")


def glance(host: World) -> None:
    conf = "etc/glance/glance-api.conf"
    protections = "etc/glance/property-protections.conf"
    assert host.ini(conf, "DEFAULT") == {
        "property_protection_file": f"{host.root}/{protections}",
        "property_protection_rule_format": "roles",
    }
    same(host, protections, "policy/conf/glance/property-protections.conf")
    assert host.ini(conf, "oslo_policy") == {"enforce_new_defaults": "True"}
    rules = "etc/glance/policy.d/50-vo.yaml"
    same(host, rules, "policy/shared-project/glance/50-vo.yaml")
    paste = "etc/glance/glance-api-paste.ini"
    _paste_is_as_shipped(host, paste, "paste/glance-api-paste-isolation.ini")


def tempest(host: World) -> None:
    assert host.ini("etc/tempest/tempest.conf", "fedcloud") == {
        "auth_url": f"{URI}/v3",
        "ca_file": f"{host.root}/dest/data/ca-bundle.pem",
        "user_proxy": "",
        "other_user_proxy": "",
        "unmapped_proxy": "",
        "plain_proxy": "",
        "expired_proxy": "",
        "project": "dteam",
        "foreign_project": "demo",
        "identity_provider": "egi.eu",
        "protocol": "mapped",
        "isolation": "shared-project",
        "occi_endpoint": OCCI,
    }


def same(host: World, name: str, shipped: str) -> None:
    assert host.text(name) == (CHECKOUT / shipped).read_text()


def _paste_is_as_shipped(host: World, name: str, shipped: str) -> None:
    """Each section of the shipped file stands in the service's, and nothing is lost."""
    after = _sections(host.text(name))
    wanted = _sections((CHECKOUT / shipped).read_text())
    before = _sections(host.pristine[name][1].decode())
    for section, options in wanted.items():
        assert options.items() <= after[section].items()
    for section, options in before.items():
        kept = {**options, **wanted.get(section, {})}
        assert after[section] == kept


def _sections(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            options = found.setdefault(line.strip("[]"), {})
        elif " = " in line and not line.startswith("#"):
            name, value = line.split(" = ", 1)
            options[name] = " ".join(value.split())
    return found
