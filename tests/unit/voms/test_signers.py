# SPDX-License-Identifier: Apache-2.0
"""Rules 20 and 21: who may sign an AC, LSC and PEM files, the signature."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID

from keystone_voms_ext.voms.policyfiles import PolicyFileError, parse_lsc
from tests.grid.ac import CERTIFICATES, SHA256_ECDSA, SHA256_RSA
from tests.grid.certs import (
    Credential,
    der,
    der_oid,
    key_usage,
    make_ca,
    make_host,
    make_proxy,
    name as certs_name,
    pooled_key,
)
from tests.unit.voms.conftest import Refused
from tests.unit.voms.site import (
    ALICE,
    HOST,
    NOW,
    ROOT,
    SUB,
    VOMS,
    Site,
    ac,
    ca_files,
    cast,
    proxy,
)

LSC = f"dteam/{HOST}.lsc"
PEM = "dteam/voms.pem"


def server(issuer: Credential | None = None, **changes: object) -> Credential:
    """Return another certificate of the VOMS server, with its name."""
    key = changes.pop("key", pooled_key(5))
    return make_host(VOMS, issuer=issuer or cast().sub, key=key, **changes)


def signed_by(signer: Credential, **changes: object) -> Credential:
    """Return alice's proxy with an AC of this server."""
    return proxy(ac=ac(voms=signer, **changes))


# Rule 20: LSC files.


def lsc(*lines: str) -> bytes:
    return "\n".join(lines).encode()


OTHER = ("/CN=other", "/CN=other CA")


@pytest.mark.parametrize(
    "content",
    [
        lsc(VOMS, SUB),
        lsc("# a comment", "", f"{VOMS}  ", f"\t{SUB}\r", ""),
        lsc(*OTHER, "------NEXT CHAIN------", VOMS, SUB),
        lsc(*OTHER, "------ NEXT CHAIN ------", VOMS, SUB),
        lsc(VOMS, SUB, "NEXT CHAIN", *OTHER),
        lsc(VOMS, SUB, "---NEXTCHAIN", *OTHER, "NEXT CHAIN"),
    ],
)
def test_good_lsc_files(site: Site, content: bytes) -> None:
    site.vomsdir_files[LSC] = content
    result = site.validate(proxy())
    assert (result.ac_issuer, result.voms_host) == (VOMS, HOST)


@pytest.mark.parametrize(
    "content",
    [
        lsc(*OTHER),
        lsc(VOMS),
        lsc(SUB, VOMS),
        lsc(VOMS, ROOT),
        lsc(VOMS, SUB, ROOT),
        lsc(VOMS, "NEXT CHAIN", SUB),
        lsc(VOMS + "x", SUB),
        lsc(VOMS.lower(), SUB),
    ],
)
def test_mismatch(site: Site, refused: Refused, content: bytes) -> None:
    site.vomsdir_files[LSC] = content
    error = refused("lsc_mismatch", proxy())
    assert VOMS in error.what
    assert LSC in error.what
    assert error.subject == "AC of dteam"


@pytest.mark.parametrize("content", [b"", b"# nothing", b"words", lsc(VOMS, "x", SUB)])
def test_unreadable(site: Site, refused: Refused, content: bytes) -> None:
    site.vomsdir_files[LSC] = content
    refused("lsc_unreadable", proxy())
    with pytest.raises(PolicyFileError):
        parse_lsc(content)


def test_old_forms_of_names_in_an_lsc() -> None:
    lines = rb"/CN=a/Email=a@b/E=c/USERID=d", b"/CN=\xc3\xa9", rb"/CN=host\/a\+b"
    (chain,) = parse_lsc(b"\n".join(lines))
    assert chain == (
        "/CN=a/emailAddress=a@b/emailAddress=c/UID=d",
        r"/CN=\xC3\xA9",
        "/CN=host/a+b",
    )


@pytest.mark.parametrize("shown", [f"host/{HOST}", rf"host\/{HOST}"])
def test_both_forms_of_a_slash_in_an_lsc(site: Site, shown: str) -> None:
    name = certs_name("/DC=org/DC=example/CN=host/" + HOST)
    signer = make_host(name, issuer=cast().sub, key=pooled_key(5))
    site.vomsdir_files[LSC] = lsc(f"/DC=org/DC=example/CN={shown}", SUB)
    result = site.validate(signed_by(signer))
    assert result.ac_issuer == rf"/DC=org/DC=example/CN=host\/{HOST}"


def test_not_found(site: Site, refused: Refused) -> None:
    content = site.vomsdir_files.pop(LSC)
    site.vomsdir_files["dteam/other.example.org.lsc"] = content
    refused("lsc_not_found", proxy())


def test_the_lsc_of_another_vo_does_not_count(site: Site, refused: Refused) -> None:
    site.vomsdir_files[f"ops/{HOST}.lsc"] = site.vomsdir_files.pop(LSC)
    site.vomsdir_files["dteam/README"] = b"no file of ours"
    refused("lsc_not_found", proxy())


def test_a_bad_file_of_another_vo_changes_nothing(site: Site) -> None:
    site.vomsdir_files[f"ops/{HOST}.lsc"] = b"words"
    site.vomsdir_files["dteam/other.lsc"] = b"words"
    site.vomsdir_files["dteam/torn.pem"] = b"-----BEGIN CERTIFICATE-----"
    assert site.validate(proxy()).dn == ALICE


def test_ac_without_certificates(refused: Refused) -> None:
    refused("ac_signer_missing", proxy(ac=ac(drop=[CERTIFICATES])))
    refused("ac_signer_missing", proxy(ac=ac(certificates=[])))


def test_the_chain_in_the_ac_may_go_up_to_the_root(
    site: Site, refused: Refused
) -> None:
    voms, sub = cast().voms.chain()
    root = cast().root.chain()[0]
    for sent, listed in (
        ([voms, sub], [VOMS, SUB, ROOT]),
        ([voms, sub, root], [VOMS, SUB, ROOT]),
    ):
        site.vomsdir_files[LSC] = lsc(*listed)
        assert site.validate(proxy(ac=ac(certificates=sent))).dn == ALICE
        site.vomsdir_files[LSC] = lsc(VOMS, SUB)
        refused("lsc_mismatch", proxy(ac=ac(certificates=sent)))


def test_a_ca_in_the_ac_that_is_not_the_installed_one(
    site: Site, refused: Refused
) -> None:
    fake = make_ca(SUB, issuer=cast().root).chain()[0]
    site.vomsdir_files[LSC] = lsc(VOMS, SUB, ROOT)
    chain = [cast().voms.chain()[0], fake]
    refused("stray_certificate", proxy(ac=ac(certificates=chain)))


# Rule 20: PEM files.


def test_pem_instead_of_an_lsc(site: Site, refused: Refused) -> None:
    del site.vomsdir_files[LSC]
    bare = proxy(ac=ac(drop=[CERTIFICATES]))
    site.vomsdir_files["ops/voms.pem"] = cast().voms.certificate_pem()
    refused("no_known_vo", proxy())
    site.vomsdir_files[PEM] = cast().alice.certificate_pem()
    refused("lsc_not_found", proxy())
    refused("lsc_not_found", bare)
    site.vomsdir_files[PEM] += cast().voms.certificate_pem()
    assert site.validate(proxy()).ac_issuer == VOMS
    assert site.validate(bare).ac_issuer == VOMS
    refused("lsc_not_found", signed_by(server()))


def test_pem_of_the_same_name_and_another_key(site: Site, refused: Refused) -> None:
    del site.vomsdir_files[LSC]
    site.vomsdir_files[PEM] = server().certificate_pem()
    refused("lsc_not_found", proxy(ac=ac(drop=[CERTIFICATES])))


def test_an_lsc_goes_before_a_pem(site: Site, refused: Refused) -> None:
    site.vomsdir_files[PEM] = cast().voms.certificate_pem()
    site.vomsdir_files[LSC] = lsc(*OTHER)
    refused("lsc_mismatch", proxy())


# Rule 21.


def test_unsigned_ac(refused: Refused) -> None:
    refused("ac_signature_invalid", proxy(ac=ac(signer_key=pooled_key(6))))


def test_changed_octet(refused: Refused) -> None:
    def flip(signature: bytes) -> bytes:
        return signature[:-1] + bytes([signature[-1] ^ 1])

    refused("ac_signature_invalid", proxy(ac=ac(edit_signature=flip)))
    refused("ac_signature_invalid", proxy(ac=ac(edit_signature=lambda _: b"")))


def test_changed_fqan(refused: Refused) -> None:
    made = ac(fqans=["/dteam/Role=member"]).replace(b"Role=member", b"Role=admins")
    refused("ac_signature_invalid", proxy(ac=made))


def test_unused_bits(refused: Refused) -> None:
    refused("ac_signature_invalid", proxy(ac=ac(unused_bits=1)))


def test_algorithms(refused: Refused) -> None:
    sha1 = der(0x30, der_oid("1.2.840.113549.1.1.5"), der(0x05))
    refused("ac_algorithm_mismatch", proxy(ac=ac(inner_algorithm=SHA256_ECDSA)))
    refused("ac_algorithm_mismatch", proxy(ac=ac(outer_algorithm=SHA256_ECDSA)))
    weak = ac(inner_algorithm=sha1, outer_algorithm=sha1)
    refused("ac_algorithm_not_accepted", proxy(ac=weak))


def test_ec_server(site: Site, refused: Refused) -> None:
    signer = server(key=ec.generate_private_key(ec.SECP256R1()))
    assert site.validate(signed_by(signer)).ac_issuer == VOMS
    rsa = signed_by(signer, inner_algorithm=SHA256_RSA, outer_algorithm=SHA256_RSA)
    refused("ac_signature_invalid", rsa)


def test_key_id_by_the_signers_own_word(site: Site) -> None:
    own = x509.SubjectKeyIdentifier(b"an id of its own")
    signer = server(extra=[(own, False)])
    made = signed_by(signer, key_identifier=b"an id of its own")
    assert site.validate(made).dn == ALICE
    bare = server(drop=[ExtensionOID.SUBJECT_KEY_IDENTIFIER])
    assert site.validate(signed_by(bare)).dn == ALICE


def test_server_of_an_unknown_ca(refused: Refused) -> None:
    fake = make_ca(SUB, issuer=make_ca(ROOT))
    error = refused("signature_invalid", signed_by(server(fake)))
    assert error.subject == VOMS


def test_server_of_a_ca_that_is_not_installed(site: Site, refused: Refused) -> None:
    other = make_ca("/CN=other CA")
    site.vomsdir_files[LSC] = lsc(VOMS, "/CN=other CA")
    refused("issuer_unknown", signed_by(server(other)))
    site.ca_files |= ca_files("other", other)
    site.ca_files["other.namespaces"] = b'TO Issuer SELF PERMIT Subject ".*"'
    site.ca_files["other.signing_policy"] = (
        b"access_id_CA X509 '/CN=other CA'\npos_rights globus CA:sign\n"
        b"cond_subjects globus '*'"
    )
    assert site.validate(signed_by(server(other))).ac_issuer == VOMS


def test_dates_of_the_server(site: Site, refused: Refused) -> None:
    begin, end = NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)
    made = signed_by(server(not_before=begin, not_after=end))
    second = timedelta(seconds=1)
    result = site.validate(made, at=end)
    assert (result.not_before, result.not_after) == (begin, end)
    error = refused("certificate_expired", made, at=end + second)
    assert error.subject == VOMS
    refused("certificate_not_yet_valid", made, at=begin - second)


def test_server_that_is_a_ca(refused: Refused) -> None:
    ca = make_ca(VOMS, issuer=cast().sub, key=pooled_key(5))
    refused("ac_signer_is_ca", signed_by(ca))


def test_server_that_may_not_sign(site: Site, refused: Refused) -> None:
    usage = (key_usage("key_encipherment"), True)
    refused("ac_signer_key_usage", signed_by(server(extra=[usage])))
    bare = server(drop=[ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE])
    assert site.validate(signed_by(bare)).dn == ALICE


def test_server_that_is_a_proxy(site: Site, refused: Refused) -> None:
    made = make_proxy(cast().voms, cn="1")
    site.vomsdir_files[LSC] = lsc(VOMS + "/CN=1", VOMS)
    refused("ac_signer_is_proxy", signed_by(made))


def test_the_user_as_the_server(site: Site, refused: Refused) -> None:
    refused("lsc_mismatch", signed_by(cast().alice))
    site.vomsdir_files[LSC] = lsc(ALICE, SUB)
    assert site.validate(signed_by(cast().alice)).ac_issuer == ALICE


def test_large_certificate_of_a_server(site: Site) -> None:
    names = x509.SubjectAlternativeName(
        [x509.DNSName(f"host{number}.example.org") for number in range(500)]
    )
    signer = server(extra=[(names, False)])
    assert len(signer.chain()[0]) > 8192
    assert site.validate(signed_by(signer)).ac_issuer == VOMS
