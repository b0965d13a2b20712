# SPDX-License-Identifier: Apache-2.0
"""The endpoint itself: who is told what without a token, port 8787, the catalog.

`endpoint` runs the application of its own beside the lab's Nova, on the same
nova.conf. Machines are made at the lab's Nova alone, whose workers no other
process can reach. Read `endpoint` first.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.functional.occi_endpoint import Occi
from tests.lab import clients_env
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask
from tests.unit.ooi.cinder_cloud import storage

PORT_DISTANCE = 87
MANAGE = Path(sys.executable).parent / "ooi-manage"


@pytest.fixture(scope="module")
def endpoint(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the root URL of the OCCI interface in a process of its own."""
    port = lab.settings.port_base + PORT_DISTANCE
    log = tmp_path_factory.mktemp("endpoint") / "log"
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.lab.run.wsgi_server",
                "ooi_ext.application",
                str(port),
            ],
            env={**os.environ, "OS_NOVA_CONFIG_DIR": str(lab.settings.etc)},
            stdout=file,
            stderr=file,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while True:
            try:
                requests.get(f"{url}/-/", timeout=60)
                break
            except requests.ConnectionError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def admin(lab_env: dict[str, str]) -> dict[str, str]:
    """Return the environment of the lab's administrator."""
    text = Path(lab_env["OS_ADMIN_AUTH_FILE"]).read_text()
    return clients_env.environ_for(lab_env, clients_env.parse(text))


def manage(
    env: dict[str, str], *arguments: str, status: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [MANAGE, *arguments], env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def assert_sent_to_keystone(answer: requests.Response, env: dict[str, str]) -> None:
    assert answer.status_code == 401
    keystone = env["OS_AUTH_URL"].removesuffix("/v3")
    assert answer.raw.headers.getlist("WWW-Authenticate") == [
        f"Keystone uri='{keystone}'"
    ]
    assert answer.raw.headers.getlist("Server") == ["OCCI/1.2 OCCI/1.1"]


@pytest.mark.parametrize("token", [None, "not-a-token"])
@pytest.mark.parametrize("prefix", ["", "/occi", "/occi1.1", "/occi1.2"])
def test_without_a_token_clients_are_sent_to_keystone(
    endpoint: str, lab_env: dict[str, str], prefix: str, token: str | None
) -> None:
    headers = {"X-Auth-Token": token} if token else {}
    for method in ("GET", "HEAD", "POST"):
        answer = requests.request(
            method, f"{endpoint}{prefix}/-/", headers=headers, timeout=60
        )
        assert_sent_to_keystone(answer, lab_env)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/plain,text/occi", "text/plain"),
        ("text/occi", "text/occi"),
        ("application/occi+json", "application/occi+json"),
    ],
)
def test_in_nova_s_own_pipeline_too(
    lab_env: dict[str, str], accept: str, content_type: str
) -> None:
    url = f"{lab_env['OCCI_ENDPOINT']}/compute/"
    answer = requests.get(url, headers={"Accept": accept}, timeout=60)
    assert_sent_to_keystone(answer, lab_env)
    assert answer.headers["Content-Type"] == f"{content_type}; charset=utf-8"
    said = answer.text + answer.headers.get("X-OCCI-Error", "")
    assert "X-Auth-Token" in said


def test_a_body_that_nova_does_not_read_is_refused_in_occi(
    lab_env: dict[str, str], token_for: Callable[[str], str]
) -> None:
    occi = Occi(lab_env["OCCI_ENDPOINT"], token_for("alice"))
    answer = occi.send("POST", "/compute/", b"x" * 200_000, Accept="text/occi")
    assert answer.status_code == 413
    assert "larger" in answer.headers["X-OCCI-Error"]
    assert answer.headers["Server"] == "OCCI/1.2 OCCI/1.1"


@pytest.mark.parametrize("prefix", ["", "/occi", "/occi1.1", "/occi1.2"])
def test_a_process_of_its_own_serves_every_prefix(
    endpoint: str,
    lab_env: dict[str, str],
    token_for: Callable[[str], str],
    prefix: str,
) -> None:
    occi = Occi(f"{endpoint}{prefix}", token_for("alice"))
    beside = Occi(lab_env["OCCI_ENDPOINT"], occi.token)
    assert occi.send("HEAD", "/-/").status_code == 200
    offered, same = (o.send("GET", "/-/") for o in (occi, beside))
    assert offered.status_code == 200
    assert f'location="{occi.endpoint}/compute/"' in offered.text
    assert offered.text == same.text.replace(beside.endpoint, occi.endpoint)

    made = occi.send("POST", "/storage/", storage().encode())
    assert made.status_code == 201, made.text
    url = made.headers["Location"]
    assert url.startswith(f"{occi.endpoint}/storage/")
    end = time.monotonic() + 60
    while 'occi.storage.state="online"' not in occi.send("GET", url).text:
        assert time.monotonic() < end
        time.sleep(0.3)
    path = url.removeprefix(occi.endpoint)
    assert beside.send("GET", path).status_code == 200
    assert occi.send("DELETE", url).status_code == 200
    assert occi.listed() == [
        one.replace(beside.endpoint, occi.endpoint) for one in beside.listed()
    ]


class Catalog:
    """The occi service as Keystone's administrator sees it."""

    def __init__(self, env: dict[str, str], client: Any) -> None:
        self.env = env
        self._client = client
        self._token = client.admin_token()

    def get(self, path: str) -> Any:
        return self._client.get(path, token=self._token).json()

    def services(self) -> list[dict[str, Any]]:
        return self.get("/services?type=occi")["services"]

    def endpoints(self) -> set[tuple[str, str, str]]:
        (service,) = self.services()
        found = self.get(f"/endpoints?service_id={service['id']}")["endpoints"]
        return {(e["interface"], e["region_id"], e["url"]) for e in found}

    def clear(self) -> None:
        for service in self.services():
            self._client.post(
                f"/services/{service['id']}", token=self._token, method="DELETE"
            )


@pytest.fixture
def catalog(admin: dict[str, str], client: Any) -> Iterator[Catalog]:
    found = Catalog(admin, client)
    found.clear()
    yield found
    found.clear()


def test_register(catalog: Catalog, lab_env: dict[str, str]) -> None:
    url = "https://cloud.example.org:8787/occi1.1"
    arguments = ("register", "--url", f"{url}/")
    told = manage(catalog.env, *arguments, "--dry-run").stdout.splitlines()
    assert told == [
        "would create the service occi",
        f"would create the public endpoint in RegionOne: {url}",
    ]
    assert catalog.services() == []

    done = manage(catalog.env, *arguments).stdout.splitlines()
    assert done == [line.removeprefix("would ") for line in told]
    (service,) = catalog.services()
    assert (service["name"], service["type"]) == ("occi", "occi")
    assert catalog.endpoints() == {("public", "RegionOne", url)}

    again = manage(catalog.env, *arguments).stdout
    assert again.count("is there") == 2
    assert catalog.services() == [service]

    other = ("register", "--url", "https://other.example.org/occi1.1")
    both = ("--interface", "internal", "--interface", "public")
    manage(catalog.env, *other, *both, "--dry-run")
    assert catalog.endpoints() == {("public", "RegionOne", url)}
    assert f"from {url} to {other[2]}" in manage(catalog.env, *other, *both).stdout
    assert catalog.endpoints() == {
        ("public", "RegionOne", other[2]),
        ("internal", "RegionOne", other[2]),
    }
    # A user cannot, and is told so; nobody can in a region that is not there.
    refused = manage(lab_env, *arguments, status=2).stderr
    assert refused.startswith("ooi-manage: ") and "403" in refused
    nowhere = manage(catalog.env, *arguments, "--region", "Nowhere", status=2)
    assert "Nowhere" in nowhere.stderr


def test_register_by_a_named_cloud(
    catalog: Catalog, lab_env: dict[str, str], tmp_path: Path
) -> None:
    names = ("username", "password", "project_name", "auth_url")
    names += ("user_domain_name", "project_domain_name")
    auth = {name: catalog.env[f"OS_{name.upper()}"] for name in names}
    cloud = {"auth": auth, "cacert": catalog.env["OS_CACERT"]}
    # Every JSON is YAML.
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {"lab": cloud}}))
    env = {k: v for k, v in lab_env.items() if not k.startswith("OS_")}
    env["OS_CLIENT_CONFIG_FILE"] = str(tmp_path / "clouds.yaml")
    url = "https://cloud.example.org:8787/occi1.1"
    manage(env, "register", "--url", url, "--os-cloud", "lab")
    assert catalog.endpoints() == {("public", "RegionOne", url)}


def test_probe(catalog: Catalog, lab_env: dict[str, str]) -> None:
    nowhere = manage(lab_env, "probe", status=2)
    assert "no occi endpoint" in nowhere.stderr
    manage(catalog.env, "register", "--url", lab_env["OCCI_ENDPOINT"])
    lines = manage(lab_env, "probe", "--wait", "60").stdout.splitlines()
    assert lines[0] == lab_env["OCCI_ENDPOINT"]
    rows = [re.split(r" {2,}", line) for line in lines[2:]]
    assert [row[:2] for row in rows] == [
        [name, "ok"]
        for name in (
            "refuse",
            "query",
            "list",
            "create",
            "become active",
            "delete",
            "be gone",
        )
    ]
    assert rows[0][3].startswith("Keystone uri='https://")
    made = rows[3][3]
    assert made.startswith(f"{lab_env['OCCI_ENDPOINT']}/compute/")


def test_a_probe_that_fails(
    lab_env: dict[str, str], token_for: Callable[[str], str]
) -> None:
    occi = Occi(lab_env["OCCI_ENDPOINT"], token_for("alice"))
    before = occi.listed()
    closed = manage(lab_env, "probe", "--endpoint", "http://127.0.0.1:9", status=1)
    assert re.search(r"^refuse +FAILED", closed.stdout, re.M)
    native = occi.endpoint.replace("/occi1.1", "/v2.1")
    other = manage(lab_env, "probe", "--endpoint", native, status=1)
    assert re.search(r"^refuse +FAILED", other.stdout, re.M)
    none = manage(
        lab_env, "probe", "--endpoint", occi.endpoint, "--os-tpl", "none", status=1
    )
    assert re.search(r"^query +FAILED.*there is no os_tpl none", none.stdout, re.M)
    assert occi.listed() == before


def test_a_client_runs_at_the_other_prefixes(
    lab_env: dict[str, str], token_for: Callable[[str], str]
) -> None:
    occi = Occi(lab_env["OCCI_ENDPOINT"], token_for("alice"))
    for prefix in ("/occi1.2", "/occi"):
        occi.endpoint = lab_env["OCCI_ENDPOINT"].replace("/occi1.1", prefix)
        answer = occi.send("HEAD", "/-/", **ask.IM.headers)
        assert answer.status_code == 200
