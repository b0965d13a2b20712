# SPDX-License-Identifier: Apache-2.0
"""The operators' commands on the lab: check-config, users, purge, upgrade check."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.functional.serving import keys_of, login
from tests.functional.tools import Tools, changed
from tests.functional.users import Belongings, federated, rescope
from tests.grid.ac import make_ac
from tests.grid.accounts import ACCOUNTS, BASE_DN, SERVERS, VOMS_PORT, full_fqan
from tests.grid.certs import make_crl, make_proxy, make_user
from tests.grid.reissue import voms_files, write_private

CAROL = ACCOUNTS["carol"].dn
ALICE = ACCOUNTS["alice"].dn
METHODS = "password,token,oauth1,mapped,application_credential,ec2credential,voms"


@pytest.fixture
def tools(lab, tmp_path):
    return Tools(lab.settings, tmp_path)


@pytest.fixture
def admin(client):
    return client.admin_token()


@pytest.fixture
def voms_json(tmp_path):
    def write(text):
        path = tmp_path / "voms.json"
        path.write_text(text if isinstance(text, str) else json.dumps(text, indent=1))
        return path

    return write


def faults(done):
    """Return what a check-config calls wrong, and see that the status says so."""
    lines = [line.strip() for line in done.stdout.splitlines()]
    found = [line for line in lines if line.startswith("WRONG: ")]
    assert done.returncode == (1 if found else 0), done.stderr
    return found


def test_the_lab_is_in_order_and_looking_changes_nothing(tools, client, proxies):
    assert client.log_in(proxies("alice")).status_code == 201
    before = tools.dump()
    done = tools.manage("check-config")
    assert faults(done) == [], done.stdout
    assert "note   Names in the database" in done.stdout
    assert "lacks voms, the default" in done.stdout
    assert tools.manage("users").returncode == 0
    assert tools.manage("purge", "--inactive-days", 1, "--dry-run").returncode == 0
    status = tools.run("keystone-voms-status", "upgrade", "check")
    assert tools.dump() == before
    # MariaDB's way to compare names is worth a warning; there is no Apache and no
    # uWSGI to be checked; and all else is well.
    assert status.returncode == 1, status.stdout
    assert "Failure" not in status.stdout
    assert status.stdout.count("Warning") == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"auth__methods": METHODS.replace(",voms", "")}, ["methods lacks voms"]),
        (
            {"auth__methods": "voms,mapped,password,external"},
            ["ends with external", "lacks token", "lacks ec2credential"],
        ),
        (
            {"auth__mapped": None, "auth__token": "default"},
            ["[auth] mapped is not set", "[auth] token is default"],
        ),
        ({"crl_policy": "sometimes"}, ["[voms] crl_policy"]),
        ({"user_domain": "nowhere", "project_domain": "hidden"}, ["nowhere", "hidden"]),
        ({"identity_provider": "nowhere"}, ["identity provider 'nowhere'"]),
        ({"protocol": "nowhere"}, ["There is no protocol 'nowhere'"]),
        ({"user_roles": "member,a,b"}, ["no role 'a'", "no role 'b'"]),
        ({"ca_path": "/nowhere"}, ["The CA directory /nowhere cannot be read"]),
        ({"vomsdir_path": "/nowhere"}, ["The vomsdir /nowhere cannot be read"]),
        ({"voms_policy": "/nowhere"}, ["The mapping /nowhere cannot be read"]),
        ({"auth__methods": f"nothing,{METHODS}"}, ["Keystone itself cannot start"]),
        (
            {"database__connection": "mysql+pymysql://u:secret@127.0.0.1:1/keystone"},
            ["DBConnectionError"],
        ),
    ],
)
def test_each_wrong_option_is_told(tools, options, told):
    done = tools.manage("check-config", **options)
    found = faults(done)
    for text in told:
        assert any(text in line for line in found), (text, done.stdout)
    assert "secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_all_faults_of_the_mapping_are_told_with_their_lines(tools, voms_json):
    policy = voms_json(
        {
            "dteam": {
                "projects": ["dteam", "no-1", "no-2"],
                "roles": ["member", "r-1"],
            },
            "ops": {"project": "ops", "domain": "no-3"},
            "nobody.example.org": {"project": "dteam"},
        }
    )
    done = tools.manage("check-config", voms_policy=policy)
    text = "\n".join(faults(done))
    for name, line in (("no-1", 2), ("no-2", 2), ("r-1", 2)):
        assert f"{policy}, line {line}: There is no" in text
        assert f"'{name}'" in text
    assert "no domain 'no-3'" in text
    assert "has VO nobody.example.org, and" in text


def test_all_bad_entries_of_the_mapping_are_told_at_once(tools, voms_json):
    policy = voms_json('{\n"a": {"projekt": "x"},\n"b": {},\n"dteam": {"tenant": "t"}}')
    found = faults(tools.manage("check-config", voms_policy=policy))
    assert any(f"{policy}, line 2: The entry 'a'" in line for line in found)
    assert any(f"{policy}, line 3: The entry 'b'" in line for line in found)
    broken = voms_json("{\n,")
    found = faults(tools.manage("check-config", voms_policy=broken))
    assert any("line 2: It is not JSON" in line for line in found)


def test_each_broken_file_of_the_cas_is_named(tools, grid, tmp_path):
    cas, vos = tmp_path / "certificates", tmp_path / "vomsdir"
    shutil.copytree(grid.certificates, cas)
    shutil.copytree(grid.vomsdir, vos)
    (cas / "aaaaaaaa.0").write_text("no certificate")
    (cas / "bbbbbbbb.namespaces").write_bytes(b"TO nobody\n")
    (vos / "dteam" / "voms.example.org.lsc").write_text("no DN\n")
    (vos / "empty.example.org").mkdir()
    text = "\n".join(
        faults(tools.manage("check-config", ca_path=cas, vomsdir_path=vos))
    )
    for path in (
        cas / "aaaaaaaa.0",
        cas / "bbbbbbbb.namespaces",
        vos / "dteam" / "voms.example.org.lsc",
    ):
        assert f"{path} is not usable" in text
    assert "empty.example.org has no usable LSC file" in text


def test_a_stale_and_a_missing_crl_are_told(tools, grid, tmp_path):
    cas = tmp_path / "certificates"
    shutil.copytree(grid.certificates, cas)
    issuers = {name: grid.authority(name).load() for name in ("root", "sub")}
    now = datetime.now(UTC).replace(microsecond=0)
    stale = make_crl(
        issuers["root"],
        not_before=now - timedelta(days=3),
        not_after=now - timedelta(days=1),
    )
    for path in cas.glob("*.r0"):
        path.unlink()
    (cas / "stale.r0").write_bytes(stale.public_bytes(Encoding.PEM))
    names = {
        name: credential.certificate.subject.rfc4514_string().split(",")[0][3:]
        for name, credential in issuers.items()
    }
    found = faults(tools.manage("check-config", ca_path=cas))
    assert len(found) == 2, found
    assert any(
        "was to be replaced by" in line and names["root"] in line for line in found
    )
    assert any("no full CRL of" in line and names["sub"] in line for line in found)
    found = faults(tools.manage("check-config", ca_path=cas, crl_policy="if_present"))
    assert len(found) == 1 and names["root"] in found[0]
    done = tools.manage("check-config", ca_path=cas, crl_policy="off")
    assert faults(done) == [] and "a revoked user gets in" in done.stdout


def test_a_paste_file_that_cannot_work_is_told(tools, tmp_path):
    path = tmp_path / "paste.ini"
    variables = {"OS_KEYSTONE_VOMS_PASTE": str(path)}

    def look():
        done = tools.manage("check-config", environ=variables)
        return done, faults(done)

    def check(text):
        path.write_text(text)
        return look()

    app = "[app:keystone]\nuse = egg:fedcloud-openstack#keystone\n"
    _, found = check(f"[pipeline:main]\npipeline = voms keystone\n{app}")
    assert len(found) == 1 and "voms" in found[0]
    done, found = check(f"[pipeline:main]\npipeline = keystone\n{app}")
    assert found == [] and f"note: {path} has no filter voms" in done.stdout
    path.unlink()
    _, found = look()
    assert len(found) == 1 and str(path) in found[0]


def test_rules_that_refuse_a_vo_are_told(tools, client, admin):
    path = "/OS-FEDERATION/mappings/voms"
    before = client.get(path, token=admin).json()["mapping"]
    local = [{"user": {"name": "{0}"}}]
    remote = [{"type": "VOMS_DN"}, {"type": "VOMS_VO", "any_one_of": ["dteam"]}]
    rules = {"rules": [{"local": local, "remote": remote}]}
    try:
        answer = client.post(path, {"mapping": rules}, token=admin, method="PATCH")
        assert answer.status_code == 200, answer.text
        done = tools.manage("check-config")
        assert faults(done) == []
        assert "holds for a user of VO fedcloud.egi.eu" in done.stdout
        assert "user of VO dteam" not in done.stdout
    finally:
        mapping = {"rules": before["rules"]}
        client.post(path, {"mapping": mapping}, token=admin, method="PATCH")


def test_names_that_collide_are_listed(tools, client, proxies, unique):
    assert client.log_in(proxies("alice")).status_code == 201
    tools.sql(
        "INSERT INTO user (id, domain_id, enabled) VALUES (:id, 'default', 1)",
        id=unique,
    )
    tools.sql(
        "INSERT INTO federated_user (user_id, idp_id, protocol_id, unique_id, "
        "display_name) VALUES (:id, 'egi.eu', 'mapped', :id, :name)",
        id=unique,
        name=ALICE.replace("alice", "\u00e0lice"),
    )
    try:
        done = tools.run("keystone-voms-status", "upgrade", "check", "--json")
        assert done.returncode == 1
        (check,) = (
            one
            for one in json.loads(done.stdout)["checks"]
            if one["check"] == "Names in the database"
        )
        assert "byte for byte" in check["details"]
        assert f"'{ALICE}' and" in check["details"]
    finally:
        tools.sql("DELETE FROM federated_user WHERE user_id = :id", id=unique)
        tools.sql("DELETE FROM user WHERE id = :id", id=unique)


def test_the_upgrade_check_fails_for_what_is_wrong(tools):
    done = tools.run(
        *("keystone-voms-status", "upgrade", "check", "--json"),
        auth__methods="voms,password,token,mapped",
        user_roles="nothing",
    )
    assert done.returncode == 2
    levels = {one["check"]: one["result"] for one in json.loads(done.stdout)["checks"]}
    wrong = {title for title, level in levels.items() if level == 2}
    roles = {"Roles of [voms] user_roles", "Entries of the mapping"}
    assert wrong == {"Auth methods", *roles}


def test_users_are_those_with_our_link_alone(tools, client, proxies, admin, unique):
    for name in ("alice", "carol"):
        assert client.log_in(proxies(name)).status_code == 201
    rules = {
        "rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "X"}]}]
    }
    path = "/OS-FEDERATION/identity_providers/egi.eu/protocols"
    mapping = f"/OS-FEDERATION/mappings/{unique}"
    client.post(mapping, {"mapping": rules}, token=admin, method="PUT")
    body = {"protocol": {"mapping_id": unique}}
    client.post(f"{path}/{unique}", body, token=admin, method="PUT")
    link = {"protocol_id": unique, "unique_id": unique}
    body = {
        "user": {
            "name": unique,
            "domain_id": "default",
            "federated": [{"idp_id": "egi.eu", "protocols": [link]}],
        }
    }
    other = client.post("/users", body, token=admin)
    assert other.status_code == 201, other.text
    try:
        found = tools.users()
        assert {ALICE, CAROL} <= set(found) and not {unique, "admin", "nova"} & set(
            found
        )
        alice = found[ALICE]
        assert alice["enabled"]
        assert alice["last_login"] == datetime.now(UTC).date().isoformat()
        (place,) = (one for one in alice["places"] if one["group"] == "voms:dteam")
        until = datetime.fromisoformat(place["until"].replace("Z", "+00:00"))
        left = (until - datetime.now(UTC)).total_seconds()
        assert place["live"] and 86_000 < left <= 86_400
        text = tools.manage("users").stdout
        assert (
            f"{alice['id']} enabled" in text
            and f"voms:dteam, until {place['until']}" in text
        )
    finally:
        user = other.json()["user"]["id"]
        client.post(f"/users/{user}", token=admin, method="DELETE")
        client.post(f"{path}/{unique}", token=admin, method="DELETE")
        client.post(mapping, token=admin, method="DELETE")


@pytest.fixture
def person(grid, tmp_path, unique, tools):
    """Return a maker of new users: a name and FQANs of dteam to DN and proxy.

    Nobody else logs in as these, so that what the running Keystone has in its
    memory of them misleads no other test.
    """
    # What other tests have left is none of ours.
    assert tools.manage("purge", "--inactive-days", 3000).returncode == 0

    def make(name, fqans=("/dteam",)):
        dn = f"{BASE_DN}/O=People/CN={unique}-{name}"
        user = make_user(dn, issuer=grid.authority("root").load())
        ac = make_ac(
            holder=user.certificate,
            voms=voms_files(grid.keys, "dteam").load(),
            vo="dteam",
            fqans=[full_fqan(fqan) for fqan in fqans],
            host=SERVERS["dteam"].host,
            port=VOMS_PORT,
        )
        path = tmp_path / f"{name}.pem"
        write_private(path, make_proxy(user, ac=ac).pem())
        return dn, path

    return make


def arrive(client, proxy):
    """Log in and return the user's id."""
    answer = client.log_in(proxy)
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]["user"]["id"]


def years_ago(tools, user):
    tools.sql("UPDATE user SET last_active_at = '2020-01-01' WHERE id = :id", id=user)


def belongings(client, proxy, project, admin):
    scoped = rescope(client, federated(client, proxy), project)
    assert scoped.status_code == 201, scoped.text
    trustee = client.post_subject("GET", admin).json()["token"]["user"]["id"]
    return Belongings.of(client, scoped.headers["X-Subject-Token"], trustee)


def grant(client, admin, user, project, *, method="PUT"):
    (found,) = client.get(f"/projects?name={project}", token=admin).json()["projects"]
    (role,) = client.get("/roles?name=member", token=admin).json()["roles"]
    path = f"/projects/{found['id']}/users/{user}/roles/{role['id']}"
    assert client.post(path, token=admin, method=method).status_code == 204


def test_a_purge_takes_rights_and_what_was_made_and_nothing_else(
    tools, client, proxies, person, admin, serve
):
    belongings(client, proxies("alice"), "dteam", admin)
    alice = tools.users()[ALICE]["id"]
    dn, proxy = person("gone", ["/dteam", "/dteam/NGI_TEST"])
    user = arrive(client, proxy)
    made = belongings(client, proxy, "dteam", admin)
    # Rights in ngi-test are an operator's to take, and so is what rests on them.
    grant(client, admin, user, "ngi-test")
    kept = belongings(client, proxy, "ngi-test", admin)
    years_ago(tools, user)
    before = tools.dump()
    dry = tools.manage("purge", "--inactive-days", 1000, "--dry-run")
    assert dry.returncode == 0 and tools.dump() == before
    log = tools.place / "tool.log"
    done = tools.manage("purge", "--inactive-days", 1000, DEFAULT__log_file=log)
    assert done.returncode == 0, done.stderr
    assert f"Trust {made.trust} of user {user} ended" in log.read_text()
    assert done.stdout == dry.stdout.replace("would ", "")
    text = dry.stdout
    assert f"{user} {dn}, last login 2020-01-01" in text
    assert f"would take user {user} out of voms:dteam\n" in text
    assert f"would delete trust {made.trust} in project " in text
    assert f"would revoke the tokens of user {user}\n" in text
    assert alice not in text and kept.trust not in text
    ids = {one_id for _, one_id in tools.made_by(user)}
    assert kept.trust in ids and kept.application_credential[0] in ids
    assert made.trust not in ids and made.application_credential[0] not in ids
    assert tools.made_by(alice) and tools.users()[ALICE]["places"]
    assert tools.users()[dn]["places"] == [] and tools.users()[dn]["enabled"]
    after = tools.dump()
    assert changed(before, after) == {
        *("expiring_user_group_membership", "application_credential", "trust"),
        *("application_credential_role", "credential", "revocation_event"),
    }
    again = tools.manage("purge", "--inactive-days", 1000)
    assert again.stdout == "There is nothing to purge.\n"
    assert tools.dump() == after
    # The old token is dead, and a new login has its rights and nothing old.
    token = {"HTTP_X_AUTH_TOKEN": made.token}
    request = {"method": "GET", "path": "/v3/auth/projects", "environ": token}
    answers = serve([request, login(**keys_of(proxy)), request]).answers
    assert [answer["status"] for answer in answers] == [401, 201, 401]
    assert made.trust not in {one_id for _, one_id in tools.made_by(user)}


def test_users_go_only_if_asked_and_if_an_operator_gave_them_nothing(
    tools, client, person, admin, serve
):
    people = {name: person(name) for name in ("plain", "role", "password", "group")}
    ids = {name: arrive(client, proxy) for name, (_, proxy) in people.items()}
    grant(client, admin, ids["role"], "ops")
    body = {"user": {"password": "given by an operator"}}
    client.post(f"/users/{ids['password']}", body, token=admin, method="PATCH")
    operators = group(client, admin, people["group"][0][-60:], "by an operator")
    path = f"/groups/{operators}/users/{ids['group']}"
    assert client.post(path, token=admin, method="PUT").status_code == 204
    # A user without our link is never touched, however long it was away.
    (stranger,) = client.users_named("nova")
    for user in (*ids.values(), stranger["id"]):
        years_ago(tools, user)
    arguments = ("purge", "--inactive-days", 1000)
    plain = tools.manage(*arguments, "--dry-run").stdout
    assert "delete the user" not in plain and "stays" not in plain
    dry = tools.manage(*arguments, "--delete-users", "--dry-run").stdout
    assert set(ids.values()) <= {one["id"] for one in tools.users().values()}
    done = tools.manage(*arguments, "--delete-users")
    assert done.returncode == 0, done.stderr
    assert done.stdout == dry.replace("would ", "")
    assert dry.count("would delete the user") == 1 and stranger["id"] not in dry
    for reason in (
        "it has roles of its own",
        "it has a password",
        "it is in groups that are not of VOs",
    ):
        assert dry.count(f"stays: {reason}") == 1
    left = tools.users()
    assert people["plain"][0] not in left
    for name in ("role", "password", "group"):
        assert left[people[name][0]]["places"] == []
    assert client.users_named("nova")
    # The same person comes back as somebody new.
    (answer,) = serve([login(**keys_of(people["plain"][1]))]).answers
    assert answer["status"] == 201
    assert json.loads(answer["body"])["token"]["user"]["id"] != ids["plain"]


def group(client, admin, name, description):
    body = {"group": {"name": name, "domain_id": "default", "description": description}}
    answer = client.post("/groups", body, token=admin)
    assert answer.status_code == 201, answer.text
    return answer.json()["group"]["id"]


def test_groups_that_no_entry_names_go_with_what_rested_on_them(
    tools, client, person, admin, voms_json, serve, unique
):
    key = f"/dteam/{unique}"
    policy = voms_json({key: {"project": "ngi-test"}, "dteam": {"project": "dteam"}})
    dn, proxy = person("member", ["/dteam", key])
    (answer,) = serve([login(**keys_of(proxy))], voms_policy=policy).answers
    assert answer["status"] == 201
    user = tools.users()[dn]["id"]
    made = belongings_in_process(serve, proxy, "ngi-test", voms_policy=policy)
    assert made in {one_id for _, one_id in tools.made_by(user)}
    (row,) = tools.sql("SELECT id FROM `group` WHERE name = :n", n=f"voms:{key}")
    other = group(client, admin, f"voms:{unique}-operators", "made by an operator")
    used = group(
        client, admin, f"voms:{unique}-used", "Users with x; kept by keystone_voms_ext"
    )
    me = client.post_subject("GET", admin).json()["token"]["user"]["id"]
    client.post(f"/groups/{used}/users/{me}", token=admin, method="PUT")

    def purged(*arguments, **options):
        done = tools.manage("purge", "--inactive-days", 3000, *arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        # As long as somebody is in it, and as long as an entry names it, it stays.
        assert unique not in purged()
        tools.sql(
            "UPDATE expiring_user_group_membership SET last_verified = '2021-01-01' "
            "WHERE group_id = :group",
            group=row.id,
        )
        assert unique not in purged(voms_policy=policy)
        text = purged("--dry-run")
        assert f"group voms:{key} {row.id}, which no entry names" in text
        assert f"would take user {user} out of voms:{key}" in text
        assert f"would delete application credential {made} " in text
        assert purged() == text.replace("would ", "")
        left = {one.id for one in tools.sql("SELECT id FROM `group`")}
        assert row.id not in left and {other, used} <= left
        assert not tools.sql("SELECT 1 FROM assignment WHERE actor_id = :g", g=row.id)
        assert not tools.made_by(user)
        assert [one["group"] for one in tools.users()[dn]["places"]] == ["voms:dteam"]
    finally:
        for group_id in (other, used):
            client.post(f"/groups/{group_id}", token=admin, method="DELETE")


def belongings_in_process(serve, proxy, project, **options):
    """Make an application credential where another mapping is in force."""
    path = "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth"
    request = {"path": path, "environ": keys_of(proxy)}
    (answer,) = serve([request], **options).answers
    assert answer["status"] == 201, answer
    unscoped = answer["headers"]["X-Subject-Token"]
    scope = {"project": {"name": project, "domain": {"id": "default"}}}
    identity = {"methods": ["token"], "token": {"id": unscoped}}
    body = {"auth": {"identity": identity, "scope": scope}}
    (answer,) = serve([{"path": "/v3/auth/tokens", "body": body}], **options).answers
    assert answer["status"] == 201, answer
    token = answer["headers"]["X-Subject-Token"]
    user = json.loads(answer["body"])["token"]["user"]["id"]
    request = {
        "path": f"/v3/users/{user}/application_credentials",
        "body": {"application_credential": {"name": "old"}},
        "environ": {"HTTP_X_AUTH_TOKEN": token},
    }
    (answer,) = serve([request], **options).answers
    assert answer["status"] == 201, answer
    return json.loads(answer["body"])["application_credential"]["id"]


def test_without_a_mapping_nothing_is_purged(tools, client, proxies, voms_json):
    assert client.log_in(proxies("alice")).status_code == 201
    before = tools.dump()
    for policy in ("/nowhere/voms.json", voms_json("{")):
        done = tools.manage("purge", "--inactive-days", 1, voms_policy=policy)
        assert done.returncode == 1 and "[mapping_" in done.stderr and not done.stdout
    assert tools.dump() == before


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("purge",),
        ("purge", "--inactive-days", "0"),
        ("purge", "--inactive-days", "x"),
    ],
)
def test_wrong_use_ends_with_2(tools, arguments):
    done = tools.manage(*arguments)
    assert done.returncode == 2 and "usage:" in done.stderr


def test_without_a_database_nothing_can_be_told(tools):
    done = tools.manage(
        "users", database__connection="mysql+pymysql://u:secret@127.0.0.1:1/keystone"
    )
    assert done.returncode == 2 and not done.stdout
    assert "Keystone itself cannot start" in done.stderr
    assert "secret" not in done.stderr
