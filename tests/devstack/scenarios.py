# SPDX-License-Identifier: Apache-2.0
"""What the DevStack plugin must do, as functions that assert it on a checkout.

Owns: the settings that are tried, and the asserts. Must never: look into the plugin;
what it called and what it left of the files counts. Read first: stacked.
"""

import json
from collections.abc import Callable
from pathlib import Path

from tests.devstack import expected
from tests.devstack.world import STACK, World, world


def stacked(checkout: Path) -> None:
    """All phases of a stack: the calls in their order, and every file."""
    with world(checkout) as host:
        host.run(*STACK)
        assert expected.loud(host) == expected.CALLS
        expected.keystone(host)
        expected.apache(host)
        expected.nova(host)
        expected.cinder(host)
        expected.glance(host)
        expected.tempest(host)
        assert json.loads(host.text("etc/keystone/voms.json")) == {
            vo: {"project": vo} for vo in ("dteam", "ops", "fedcloud.egi.eu")
        }
        for name in ("certificates/ab12.0", "vomsdir/dteam/voms.example.org.lsc"):
            assert host.text(f"dest/data/fedcloud/{name}") == host.text(f"grid/{name}")


def run_twice(checkout: Path) -> None:
    """A second run changes no file and creates nothing, whole or one phase alone."""
    with world(checkout) as host:
        host.run(*STACK)
        first = host.tree()
        host.forget_calls()
        host.run(*STACK)
        assert host.tree() == first
        assert [line for line in host.calls(of="openstack") if " create " in line] == []
        for phase in STACK:
            host.run(phase)
        assert host.tree() == first


def left_behind(checkout: Path) -> None:
    """unstack.sh undoes all in the files, clean.sh the rest, and again is no error."""
    with world(checkout) as host:
        host.run(*STACK)
        host.run("unstack")
        away = {"apache/mods/zgridsite.load", "apache/enabled/gridsite"}
        # DevStack's own site for port 5000 goes with unstack.sh, and comes back by it.
        away.add("apache/enabled/keystone-service-tls-proxy")
        ours = {"dest/data/fedcloud", "venv/fedcloud-openstack"}
        rest = _without_database(host)
        new = {name for name in rest if name not in host.pristine}
        assert {
            n for n in new if "/certificates" not in n and "/vomsdir" not in n
        } == ours
        host.run("clean")
        rest = _without_database(host)
        assert rest == {n: v for n, v in host.pristine.items() if n not in away}
        host.run("unstack", "clean")
        assert _without_database(host) == rest
        assert (
            host.calls(of="pip_uninstall") == ["pip_uninstall fedcloud-openstack"] * 2
        )


def _without_database(host: World) -> dict[str, tuple[int, bytes]]:
    """Return the tree without the stub's database: DevStack drops that of Keystone."""
    return {n: v for n, v in host.tree().items() if not n.startswith("keystone/")}


def cleaned_after_a_loss(checkout: Path) -> None:
    """The way back does not stop at a folder that somebody has deleted."""
    with world(checkout) as host:
        host.run(*STACK)
        for path in sorted((host.root / "etc/glance").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (host.root / "etc/glance").rmdir()
        host.run("unstack", "clean")
        assert not (host.root / "etc/glance").exists()
        assert not (host.root / "etc/nova/policy.d").exists()
        assert host.tree()["etc/nova/nova.conf"] == host.pristine["etc/nova/nova.conf"]


def rules_of_the_site_stay(checkout: Path) -> None:
    """A folder of rules that holds more than ours is kept, with what it holds."""
    with world(checkout) as host:
        host.run(*STACK)
        (host.root / "etc/nova/policy.d/90-site.yaml").write_text("{}\n")
        host.run("unstack")
        left = [path.name for path in (host.root / "etc/nova/policy.d").iterdir()]
        assert left == ["90-site.yaml"]


def project_per_user(checkout: Path) -> None:
    """That mode has its own rules and mapping, and no filter."""
    with world(checkout, FEDCLOUD_ISOLATION="project-per-user") as host:
        host.run(*STACK)
        for service in ("nova", "cinder", "glance"):
            name = f"etc/{service}/policy.d/50-vo.yaml"
            expected.same(host, name, f"policy/project-per-user/{service}/50-vo.yaml")
        assert json.loads(host.text("etc/keystone/voms.json"))["ops"] == {
            "project": "ops",
            "project_per_user": True,
        }
        _no_filter(host)
        assert host.ini("etc/tempest/tempest.conf", "fedcloud")["isolation"] == (
            "project-per-user"
        )


def isolation_off(checkout: Path) -> None:
    """Without isolation there is neither rule nor filter."""
    with world(checkout, FEDCLOUD_ISOLATION="off") as host:
        host.run(*STACK)
        for service in ("nova", "cinder", "glance"):
            assert not (host.root / f"etc/{service}/policy.d").exists()
        assert host.ini("etc/cinder/cinder.conf", "oslo_policy") == {
            "enforce_new_defaults": "false"
        }
        _no_filter(host)


def _no_filter(host: World) -> None:
    edits = [line for line in host.calls(of="ooi-manage") if " paste " in line]
    assert edits == ["ooi-manage paste --install --file ROOT/etc/nova/api-paste.ini"]
    for name in (
        "etc/cinder/api-paste.ini",
        "etc/cinder/resource_filters.json",
        "etc/glance/glance-api-paste.ini",
    ):
        assert host.tree()[name] == host.pristine[name]
    assert host.ini("etc/cinder/cinder.conf", "DEFAULT") == {}
    assert host.ini("etc/glance/glance-api.conf", "DEFAULT") == {}


def few_services(checkout: Path) -> None:
    """Where only Keystone runs, no file of another service is made or changed."""
    with world(checkout, ENABLED_SERVICES="key,tls-proxy") as host:
        host.run(*STACK)
        after = host.tree()
        for name, found in host.pristine.items():
            if name.startswith(("etc/nova", "etc/cinder", "etc/glance", "etc/tempest")):
                assert after[name] == found
        assert host.calls(of="ooi-manage") == []
        assert not (host.root / "etc/nova/policy.d").exists()
        assert host.ini("etc/keystone/keystone.conf", "auth")["token"] == "voms"
    with world(checkout, ENABLED_SERVICES="key,tls-proxy,tempest") as host:
        host.run(*STACK)
        options = host.ini("etc/tempest/tempest.conf", "fedcloud")
        assert "occi_endpoint" not in options


def methods_of_the_site(checkout: Path) -> None:
    """The list of methods that is in force keeps its order, and voms comes last."""
    for before, after in (
        ("password,token", "password,token,mapped,voms"),
        ("mapped, password, token", "mapped,password,token,voms"),
        ("voms,mapped,token", "voms,mapped,token"),
        ("xvoms,mapped", "xvoms,mapped,voms"),
    ):
        with world(checkout) as host:
            conf = host.root / "etc/keystone/keystone.conf"
            conf.write_text(f"[auth]\nmethods = {before}\n")
            host.run("stack:install")
            assert host.ini("etc/keystone/keystone.conf", "auth")["methods"] == after


def trust_of_the_site(checkout: Path) -> None:
    """Folders that a package brings are used where they are, and never removed."""
    with world(checkout) as host:
        (host.root / "grid").rename(host.root / "igtf")
        (host.root / "localrc").write_text(
            f"FEDCLOUD_CA_DIR='{host.root}/igtf/certificates'\n"
            f"FEDCLOUD_VOMSDIR='{host.root}/igtf/vomsdir'\n"
        )
        host.run(*STACK)
        options = host.ini("etc/keystone/keystone.conf", "voms")
        assert options["ca_path"] == f"{host.root}/igtf/certificates"
        assert options["vomsdir_path"] == f"{host.root}/igtf/vomsdir"
        assert f"CADIR {host.root}/igtf/c" in host.text(
            "apache/sites/keystone-voms.conf"
        )
        host.run("unstack", "clean")
        assert not (host.root / "dest/data/fedcloud").exists()
        assert (host.root / "igtf/certificates/ab12.0").exists()


def own_voms_json(checkout: Path) -> None:
    """A voms.json of one's own is used as it is."""
    with world(checkout) as host:
        mine = host.root / "mine.json"
        mine.write_text('{"/dteam/NGI": {"project": "dteam"}}\n')
        with (host.root / "localrc").open("a") as file:
            file.write(f"FEDCLOUD_VOMS_JSON='{mine}'\n")
        host.run(*STACK)
        assert host.text("etc/keystone/voms.json") == mine.read_text()


def every_setting(checkout: Path) -> None:
    """What local.conf sets reaches the place that it is for."""
    proxies = {
        f"FEDCLOUD_TEMPEST_{name}_PROXY": f"/proxies/{name.lower()}.pem"
        for name in ("USER", "OTHER_USER", "UNMAPPED", "PLAIN", "EXPIRED")
    }
    with world(
        checkout,
        FEDCLOUD_EXTRAS="",
        FEDCLOUD_VOS="training.egi.eu",
        FEDCLOUD_CRL_POLICY="if_present",
        FEDCLOUD_IDENTITY_PROVIDER="idp",
        FEDCLOUD_PROTOCOL="x509",
        FEDCLOUD_AUTHORIZATION_MINUTES="60",
        FEDCLOUD_KEYSTONE_PORT="5443",
        FEDCLOUD_OCCI_URI="https://cloud.example.org:8787/occi1.1",
        FEDCLOUD_GRIDSITE_SESSIONS="/srv/sessions",
        **proxies,
    ) as host:
        host.run(*STACK)
        assert host.text("venv/fedcloud-openstack") == "\n"
        assert list(json.loads(host.text("etc/keystone/voms.json"))) == [
            "training.egi.eu"
        ]
        voms = host.ini("etc/keystone/keystone.conf", "voms")
        assert voms["crl_policy"] == "if_present"
        assert (voms["identity_provider"], voms["protocol"]) == ("idp", "x509")
        created = " / ".join(host.calls(of="openstack"))
        assert "--authorization-ttl 60 idp" in created
        assert "--identity-provider idp --mapping idp x509" in created
        site = host.text("apache/sites/keystone-voms.conf")
        assert "Define KEYSTONE_VOMS_PORT 5443\n" in site
        assert "Define KEYSTONE_VOMS_SESSIONS /srv/sessions\n" in site
        assert (
            "https://cloud.example.org:8787/occi1.1" in host.calls(of="ooi-manage")[-1]
        )
        tempest = host.ini("etc/tempest/tempest.conf", "fedcloud")
        assert tempest["auth_url"] == "https://192.0.2.1:5443/identity/v3"
        assert tempest["project"] == "training.egi.eu"
        for name, value in proxies.items():
            assert tempest[name.removeprefix("FEDCLOUD_TEMPEST_").lower()] == value


def refused(checkout: Path) -> None:
    """A run that cannot end well stops in its first phase, and says how to mend it."""
    for settings, reason in (
        ({"PLATFORM": "fedora"}, "Debian and Ubuntu"),
        ({"ENABLED_SERVICES": "n-cpu,tls-proxy"}, "Keystone does not run on this host"),
        ({"ENABLED_SERVICES": "key,n-api"}, "enable_service tls-proxy"),
        (
            {"FEDCLOUD_ISOLATION": "maybe"},
            "Set shared-project, project-per-user or off",
        ),
        (
            {"FEDCLOUD_ISOLATION": "offside"},
            "Set shared-project, project-per-user or off",
        ),
        ({"FEDCLOUD_VOS": 'dteam ops"'}, "FEDCLOUD_VOS has 'ops\"'"),
        ({"FEDCLOUD_VOS": "-x"}, "FEDCLOUD_VOS has '-x'"),
        ({"FEDCLOUD_TRUST_SOURCE": "/nowhere"}, "/nowhere/certificates has no cert"),
        ({"FEDCLOUD_TRUST_SOURCE": ""}, "fedcloud/certificates has no certificate"),
    ):
        with world(checkout, **settings) as host:
            code, said = host.try_to_run(*STACK)
            assert code == 1
            assert reason in said
            assert host.tree() == host.pristine


def stopped(checkout: Path) -> None:
    """What is missing or unusual later on ends the run before a service starts."""
    for settings, phase, reason in (
        (
            {"FEDCLOUD_VOMSDIR": "/nowhere/vomsdir"},
            "install",
            "/nowhere/vomsdir, with",
        ),
        ({"KEYSTONE_ANSWERS": "no"}, "post-config", "journalctl -u devstack@keystone"),
    ):
        with world(checkout, **settings) as host:
            code, said = host.try_to_run(*STACK)
            assert code == 1
            assert reason in said
            assert host.calls(of="==")[-1] == f"== stack:{phase}"
    for name, word in (
        ("cinder/api-paste.ini", "apiv3"),
        ("glance/glance-api-paste.ini", "cache"),
    ):
        with world(checkout) as host:
            file = host.root / "etc" / name
            file.write_text(file.read_text().replace(f" {word}", " other"))
            code, said = host.try_to_run(*STACK)
            assert code == 1
            assert f"has no '{word}' to put vo_isolation before" in said


ALL: tuple[Callable[[Path], None], ...] = (
    stacked,
    run_twice,
    left_behind,
    cleaned_after_a_loss,
    rules_of_the_site_stay,
    project_per_user,
    isolation_off,
    few_services,
    methods_of_the_site,
    trust_of_the_site,
    own_voms_json,
    every_setting,
    refused,
    stopped,
)
# Together they notice each line of plugin.sh.
DISPATCH = (stacked, refused, left_behind)
