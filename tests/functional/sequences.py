# SPDX-License-Identifier: Apache-2.0
"""The requests of clients that a test cannot install, as their sources send them.

Owns one function for each program: it takes a caller, the path of a proxy and
Keystone's URI, reads from the answers what the program reads, and returns the
token that the program goes on to use. Read ``SEQUENCES`` first.
"""

import json

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
FEDERATION = "/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth"


def ok(answer, *codes):
    """Return the answer, which has one of these codes."""
    assert answer.status_code in codes, (answer.request.url, answer.text)
    return answer


def with_token(token, **more):
    return {**JSON, "X-Auth-Token": token, **more}


def voms(**tenant):
    return json.dumps({"auth": {"voms": True, **tenant}})


def rescope(token, project_id):
    return {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": token}},
            "scope": {"project": {"id": project_id}},
        }
    }


def rocci_v2(call, proxy, versions):
    """Ask each version in the order of its id; v2.0 by name, tenant by tenant."""
    ids = [version["id"] for version in sorted(versions, key=lambda one: one["id"])]
    assert ids[0] == "v2.0"
    (version,) = (one for one in versions if one["id"] == "v2.0")
    (link,) = (one["href"] for one in version["links"] if one["rel"] == "self")
    base = link.removesuffix("/")
    unscoped = call("POST", f"{base}/tokens", proxy=proxy, headers=JSON, data=voms())
    token = ok(unscoped, 200).json()["access"]["token"]["id"]
    tenants = call("GET", f"{base}/tenants", proxy=proxy, headers=with_token(token))
    for tenant in ok(tenants, 200).json()["tenants"]:
        answer = call(
            "POST",
            f"{base}/tokens",
            proxy=proxy,
            headers=with_token(token),
            data=voms(tenantName=tenant["name"]),
        )
        if answer.ok:
            return answer.json()["access"]["token"]["id"]
    raise AssertionError(tenants.text)


def rocci_v2_by_its_url(call, proxy, uri):
    answer = ok(call("GET", f"{uri}/v2.0", proxy=proxy, headers=JSON), 200)
    return rocci_v2(call, proxy, [answer.json()["version"]])


def rocci_v3(call, proxy, uri, *, method="GET"):
    """Older ones POST the federation URL, later ones GET it."""
    answer = ok(call("GET", uri, proxy=proxy, headers=JSON), 300)
    (version,) = answer.json()["versions"]["values"]
    assert version["id"].startswith("v3")
    (link,) = (one["href"] for one in version["links"] if one["rel"] == "self")
    base = link.removesuffix("/")
    unscoped = call(method, base + FEDERATION, proxy=proxy, headers=JSON)
    token = ok(unscoped, 201).headers["X-Subject-Token"]
    listed = call(
        "GET", f"{base}/auth/projects", proxy=proxy, headers=with_token(token)
    )
    (project,) = ok(listed, 200).json()["projects"]
    answer = call(
        "POST",
        f"{base}/auth/tokens",
        proxy=proxy,
        headers=with_token(token),
        json=rescope(token, project["id"]),
    )
    return ok(answer, 201).headers["X-Subject-Token"]


def rocci_v3_post(call, proxy, uri):
    return rocci_v3(call, proxy, uri, method="POST")


def pocci(call, proxy, uri):
    answer = ok(call("POST", f"{uri}/v2.0/tokens", proxy=proxy, data=voms()), 200)
    token = answer.json()["access"]["token"]
    assert "tenant" not in token
    headers = with_token(token["id"])
    listed = ok(call("GET", f"{uri}/v2.0/tenants", proxy=proxy, headers=headers), 200)
    for tenant in listed.json()["tenants"]:
        if "enabled" in tenant and not tenant["enabled"]:
            continue
        body = voms(tenantName=tenant["name"])
        answer = ok(call("POST", f"{uri}/v2.0/tokens", proxy=proxy, data=body), 200)
        return answer.json()["access"]["token"]["id"]
    raise AssertionError(listed.text)


def im_v2(call, proxy, uri):
    """The Infrastructure Manager: a connection for each request, raw bodies."""
    close = {**JSON, "Connection": "close"}
    url = f"{uri}/v2.0/tokens"
    body = '{"auth":{"voms":true}}'
    answer = ok(call("POST", url, proxy=proxy, headers=close, data=body), 200)
    token = answer.json()["access"]["token"]["id"]
    headers = with_token(token, Connection="close")
    listed = ok(call("GET", f"{uri}/v2.0/tenants", proxy=proxy, headers=headers), 200)
    (tenant,) = listed.json()["tenants"]
    body = '{"auth":{"voms":true,"tenantName":"' + str(tenant["name"]) + '"}}'
    answer = ok(call("POST", url, proxy=proxy, headers=headers, data=body), 200, 202)
    return answer.json()["access"]["token"]["id"]


def im_v3(call, proxy, uri):
    versions = call("GET", uri, proxy=proxy, headers={"Accept": "application/json"})
    ids = [one["id"] for one in ok(versions, 200, 300).json()["versions"]["values"]]
    # With a v2 in the list it would take that one.
    assert [one for one in ids if one.startswith("v2")] == []
    close = {**JSON, "Connection": "close"}
    answer = call("GET", f"{uri}/v3{FEDERATION}", proxy=proxy, headers=close)
    token = ok(answer, 201).headers["X-Subject-Token"]
    headers = with_token(token, Connection="close")
    listed = call("GET", f"{uri}/v3/auth/projects", proxy=proxy, headers=headers)
    (project,) = ok(listed, 200).json()["projects"]
    answer = call(
        "POST",
        f"{uri}/v3/auth/tokens",
        proxy=proxy,
        headers=headers,
        data=json.dumps(rescope(token, project["id"])),
    )
    return ok(answer, 200, 201, 202).headers["X-Subject-Token"]


def dirac(call, proxy, uri):
    """DIRAC and vcycle; the list of tenants ends in a slash."""
    plain = {"Content-Type": "application/json"}
    body = '{"auth":{"voms": true}}'
    answer = call("POST", f"{uri}/v2.0/tokens", proxy=proxy, headers=plain, data=body)
    token = str(answer.json()["access"]["token"]["id"])
    listed = call(
        "GET",
        f"{uri}/v2.0/tenants/",
        proxy=proxy,
        headers={**plain, "X-Auth-Token": token},
        data=body,
    ).json()
    for name in [tenant["name"] for tenant in listed["tenants"]]:
        result = call(
            "POST",
            f"{uri}/v2.0/tokens",
            proxy=proxy,
            headers={**with_token(token), "User-Agent": "VMDIRAC v3r0 ( OCCI/1.1 )"},
            data='{"auth": {"voms": true, "tenantName": "' + name + '"}}',
        ).json()
        if "access" in result:
            return result["access"]["token"]["id"]
    raise AssertionError(listed)


def nagios_v2(call, proxy, uri):
    """The probe is given https://HOST:PORT/v2.0, and takes a tenant named ops."""
    host = f"{uri}/v2.0"
    answer = call("POST", f"{host}/tokens", proxy=proxy, headers=JSON, data=voms())
    token = ok(answer, 200).json()["access"]["token"]["id"]
    listed = call("GET", f"{host}/tenants", proxy=proxy, headers=with_token(token))
    tenants = ok(listed, 200).json()["tenants"]
    ops = [tenant for tenant in tenants if "ops" in tenant["name"]]
    tenant = (ops or tenants)[-1]["name"]
    body = voms(tenantName=tenant)
    answer = call("POST", f"{host}/tokens", proxy=proxy, headers=JSON, data=body)
    access = ok(answer, 200).json()["access"]
    assert access["token"]["tenant"]["id"]
    first = {
        service["type"]: service["endpoints"][0]["publicURL"]
        for service in access["serviceCatalog"]
        if service["type"] in ("compute", "image", "network")
    }
    assert len(first) == 3 and all(first.values())
    return access["token"]["id"]


def nagios_v3(call, proxy, uri):
    """The proxy goes along with the first request alone."""
    accept = {"Accept": "application/json"}
    answer = call("POST", f"{uri}/v3{FEDERATION}", proxy=proxy, headers=accept)
    token = ok(answer, 201).headers["X-Subject-Token"]
    listed = call("GET", f"{uri}/v3/auth/projects", headers=with_token(token))
    projects = ok(listed, 200).json()["projects"]
    project = projects.pop()
    body = json.dumps(rescope(token, project["id"]))
    answer = call("POST", f"{uri}/v3/auth/tokens", headers=JSON, data=body)
    catalog = ok(answer, 201).json()["token"]["catalog"]
    assert {"compute", "image", "network"} <= {one["type"] for one in catalog}
    return answer.headers["X-Subject-Token"]


def v3voms_federated(call, proxy, uri):
    unscoped = call("POST", f"{uri}/v3{FEDERATION}", proxy=proxy)
    token = ok(unscoped, 201).headers["X-Subject-Token"]
    assert "project" not in unscoped.json()["token"]
    body = rescope(token, None)
    domain = {"id": "default"}
    body["auth"]["scope"]["project"] = {"name": "dteam", "domain": domain}
    answer = call("POST", f"{uri}/v3/auth/tokens", json=body)
    return ok(answer, 201).headers["X-Subject-Token"]


def native(call, proxy, uri):
    identity = {"methods": ["voms"], "voms": {}}
    scope = {"project": {"name": "dteam", "domain": {"id": "default"}}}
    body = {"auth": {"identity": identity, "scope": scope}}
    answer = call("POST", f"{uri}/v3/auth/tokens", proxy=proxy, json=body)
    return ok(answer, 201).headers["X-Subject-Token"]


SEQUENCES = (
    rocci_v2_by_its_url,
    rocci_v3,
    rocci_v3_post,
    pocci,
    im_v2,
    im_v3,
    dirac,
    nagios_v2,
    nagios_v3,
    v3voms_federated,
    native,
)
