# SPDX-License-Identifier: Apache-2.0
"""Every reason for which the core refuses: code, rule, standard and mend.

Owns the stable codes; their numbers are the rules of the documentation. Must
never decide anything. Read ``CODES`` first, then ``refusal``.
"""

from __future__ import annotations

from typing import NamedTuple

from keystone_voms_ext.voms.errors import CredentialRefused


class Code(NamedTuple):
    """One reason: the rule, the standard behind it, what must hold, the mend."""

    rule: int
    spec: str
    holds: str
    mend: str


_NEW_PROXY = "Make a new proxy with voms-proxy-init."
_ASK_CA = "Ask the certification authority for a correct certificate."
_ASK_VOMS = "Ask the administrators of the VOMS server to mend its configuration."
_PLAIN_PROXY = "Make an RFC 3820 proxy, with voms-proxy-init -rfc or a newer tool."
_CLOCKS = "Check the clocks of both hosts."
_FETCH_CRL = "Run fetch-crl on this host and see that it runs several times a day."
_INSTALL_CA = (
    "If this CA is to be accepted, install its IGTF package in the CA directory."
)
_POLICY_FILES = "Update the CA's IGTF package, which ships these files."

CODES = {
    # Rule 1: caps before parsing.
    "pem_too_large": Code(
        1, "", "the PEM is at most 200,000 bytes", "Present a proxy file, nothing else."
    ),
    "chain_too_large": Code(
        1, "", "the chain is at most 200,000 bytes", "Present a shorter chain."
    ),
    "too_many_certificates": Code(
        1,
        "",
        "there are at most 20 certificates",
        "Present only the proxy's own chain.",
    ),
    "too_many_proxies": Code(
        1, "", "the chain of proxies is short enough", "Delegate fewer times."
    ),
    "too_many_acs": Code(
        1, "", "there are at most 10 ACs", "Ask for fewer VOs in one proxy."
    ),
    "ac_too_large": Code(
        1, "", "an AC is at most 100,000 bytes", "Ask for fewer attributes."
    ),
    "too_many_fqans": Code(
        1, "", "an AC has at most 1000 FQANs", "Ask for fewer groups and roles."
    ),
    # Rule 2: strict DER, and every PEM block counts.
    "pem_malformed": Code(
        2,
        "RFC 7468",
        "the PEM is complete and well formed",
        "Send the file as the proxy tool wrote it.",
    ),
    "pem_block_unknown": Code(
        2,
        "RFC 7468",
        "every PEM block is a certificate or a key",
        "Take everything else out of the file.",
    ),
    "no_certificate": Code(
        2,
        "RFC 7468",
        "there is a certificate",
        "Present the proxy, its certificates included.",
    ),
    "certificate_unreadable": Code(
        2, "X.690 10", "each certificate is strict DER", _NEW_PROXY
    ),
    "proxy_info_unreadable": Code(
        2, "RFC 3820 3.8", "proxyCertInfo is strict DER", _PLAIN_PROXY
    ),
    "ac_unreadable": Code(2, "RFC 5755 4.1", "each AC is strict DER", _ASK_VOMS),
    # Rule 3: the frame of a certificate.
    "not_version_3": Code(
        3, "RFC 5280 4.1.2.1", "the certificate is X.509 version 3", _ASK_CA
    ),
    "algorithm_mismatch": Code(
        3, "RFC 5280 4.1.1.2", "the two algorithm fields are equal", _ASK_CA
    ),
    "extension_repeated": Code(3, "RFC 5280 4.2", "no extension occurs twice", _ASK_CA),
    "critical_extension_unknown": Code(
        3, "RFC 5280 4.2", "no unknown extension is critical", _ASK_CA
    ),
    "serial_invalid": Code(
        3, "RFC 5280 4.1.2.2", "the serial is not negative and not too long", _ASK_CA
    ),
    # Rule 4: algorithms, keys and signatures.
    "algorithm_not_accepted": Code(
        4,
        "RFC 5280 4.1.1.2",
        "the signature is SHA-2 with RSA or ECDSA",
        "Have it signed again with SHA-256.",
    ),
    "key_not_accepted": Code(
        4,
        "RFC 5280 4.1.2.7",
        "the key is RSA of 2048 bits or more, or on a NIST curve",
        "Make a new key with 2048 bits.",
    ),
    "signature_bits_unused": Code(
        4, "RFC 5280 4.1.1.3", "the signature has no unused bits", _NEW_PROXY
    ),
    "signature_invalid": Code(
        4,
        "RFC 5280 6.1.3 (a)(1)",
        "the issuer's key verifies the signature",
        _NEW_PROXY,
    ),
    # Rule 5: the path, from the CA directory alone.
    "certificate_repeated": Code(
        5, "RFC 5280 6.1", "no certificate occurs twice", _NEW_PROXY
    ),
    "no_end_entity": Code(
        5,
        "RFC 3820 3.1",
        "the chain holds the user's own certificate",
        "Present the whole proxy file, and have the TLS server pass on the chain.",
    ),
    "stray_certificate": Code(
        5,
        "RFC 5280 6.1",
        "after the user's certificate come installed CAs in order",
        "Present only the proxy's own chain.",
    ),
    "issuer_unknown": Code(
        5, "RFC 5280 6.1", "the issuer is in the CA directory", _INSTALL_CA
    ),
    # Rule 6: dates and issuers.
    "certificate_expired": Code(
        6,
        "RFC 5280 6.1.3 (a)(2)",
        "the certificate is not over",
        "Renew the certificate.",
    ),
    "certificate_not_yet_valid": Code(
        6, "RFC 5280 6.1.3 (a)(2)", "the certificate has begun", _CLOCKS
    ),
    "proxy_expired": Code(
        6, "RFC 5280 6.1.3 (a)(2)", "the proxy is not over", _NEW_PROXY
    ),
    "proxy_not_yet_valid": Code(
        6, "RFC 5280 6.1.3 (a)(2)", "the proxy has begun", _CLOCKS
    ),
    "issuer_not_ca": Code(6, "RFC 5280 6.1.4 (k)", "the issuer is a CA", _INSTALL_CA),
    "issuer_may_not_sign": Code(
        6, "RFC 5280 6.1.4 (n)", "the issuer may sign certificates", _INSTALL_CA
    ),
    "issuer_is_proxy": Code(6, "RFC 3820 3", "a CA is not a proxy", _INSTALL_CA),
    "ca_path_too_long": Code(
        6,
        "RFC 5280 6.1.4 (m)",
        "pathLenConstraint allows the CAs below it",
        _INSTALL_CA,
    ),
    # Rule 7: revocation.
    "crl_missing": Code(
        7, "RFC 5280 6.3", "there is a full CRL of the issuer", _FETCH_CRL
    ),
    "crl_unreadable": Code(
        7, "RFC 5280 5.1", "the issuer's CRL file can be read", _FETCH_CRL
    ),
    "crl_unverified": Code(
        7, "RFC 5280 6.3.3 (g)", "the issuer signed its CRL", _FETCH_CRL
    ),
    "crl_not_yet_valid": Code(7, "RFC 5280 5.1.2.4", "the CRL has begun", _CLOCKS),
    "crl_expired": Code(7, "RFC 5280 5.1.2.5", "the CRL is not over", _FETCH_CRL),
    "certificate_revoked": Code(
        7,
        "RFC 5280 6.1.3 (a)(3)",
        "the certificate is not revoked",
        "Ask the certification authority for a new certificate.",
    ),
    # Rule 8: what a CA may sign.
    "namespaces_missing": Code(
        8,
        "OGF GFD.189",
        "the issuer has a namespaces or signing_policy file",
        _POLICY_FILES,
    ),
    "namespaces_denied": Code(
        8, "OGF GFD.189", "the namespaces file permits the subject", _POLICY_FILES
    ),
    "signing_policy_denied": Code(
        8, "OGF GFD.189", "the signing_policy file permits the subject", _POLICY_FILES
    ),
    # Rule 9: the end-entity certificate.
    "eec_is_ca": Code(
        9,
        "RFC 3820 3.1",
        "the user's certificate is not a CA",
        "Present a personal certificate or a proxy of one.",
    ),
    "eec_key_usage": Code(
        9, "RFC 3820 3.2", "the user's certificate may sign", _ASK_CA
    ),
    "eec_extended_key_usage": Code(
        9, "RFC 5280 4.2.1.12", "the user's certificate is for clients", _ASK_CA
    ),
    # Rule 10: RFC 3820 proxies.
    "proxy_info_not_critical": Code(
        10, "RFC 3820 3.8", "proxyCertInfo is critical", _PLAIN_PROXY
    ),
    "proxy_issuer_mismatch": Code(
        10, "RFC 3820 3.1", "the proxy's issuer is the certificate above", _NEW_PROXY
    ),
    "proxy_subject_mismatch": Code(
        10, "RFC 3820 3.4", "the proxy's subject is its issuer and one CN", _PLAIN_PROXY
    ),
    "proxy_alternative_name": Code(
        10, "RFC 3820 3.5", "a proxy has no alternative names", _PLAIN_PROXY
    ),
    "proxy_is_ca": Code(10, "RFC 3820 3.7", "a proxy is not a CA", _PLAIN_PROXY),
    "proxy_key_usage": Code(
        10, "RFC 3820 3.6", "a proxy does not sign certificates as a CA", _PLAIN_PROXY
    ),
    "proxy_extended_key_usage": Code(
        10, "RFC 5280 4.2.1.12", "a proxy is for clients", _PLAIN_PROXY
    ),
    "proxy_issuer_key_usage": Code(
        10, "RFC 3820 3.1", "the certificate above the proxy may sign", _NEW_PROXY
    ),
    "proxy_path_length_negative": Code(
        10, "RFC 3820 3.8.1", "pCPathLenConstraint is not negative", _PLAIN_PROXY
    ),
    "proxy_path_too_long": Code(
        10,
        "RFC 3820 3.8.1",
        "pCPathLenConstraint allows the proxies below it",
        "Make the first proxy with a greater path length.",
    ),
    # Rule 11: what a proxy may be for.
    "legacy_proxy_refused": Code(
        11, "RFC 3820", "the proxy is of the RFC 3820 kind", _PLAIN_PROXY
    ),
    "proxy_kinds_mixed": Code(
        11, "RFC 3820 3.8", "all proxies are of one kind", _NEW_PROXY
    ),
    "proxy_language_refused": Code(
        11,
        "RFC 3820 3.8.2",
        "the proxy's policy language is inheritAll or limited",
        "Make a proxy without -policy and -policy-language.",
    ),
    "proxy_policy_refused": Code(
        11,
        "RFC 3820 3.8.2",
        "the proxy carries no policy of its own",
        "Make a proxy without -policy and -policy-language.",
    ),
    "full_proxy_under_limited": Code(
        11, "RFC 3820 3.8.2", "a proxy of a limited proxy is limited", _NEW_PROXY
    ),
    "limited_proxy_refused": Code(
        11,
        "RFC 3820 3.8.2",
        "the proxy is not limited",
        "Make a full proxy, or set allow_limited on this service.",
    ),
    # Rules 12 and 13: which ACs count.
    "no_ac": Code(
        12,
        "OGF GFD.182",
        "a proxy carries a VOMS attribute certificate",
        "Make the proxy with voms-proxy-init -voms VO.",
    ),
    "no_known_vo": Code(
        13,
        "OGF GFD.182",
        "an AC is of a VO that is known here",
        "If the VO is to be accepted, add its LSC files to vomsdir.",
    ),
    # Rule 14: the holder.
    "ac_version": Code(14, "RFC 5755 4.2.1", "the AC is version 2", _ASK_VOMS),
    "ac_holder_malformed": Code(
        14, "RFC 5755 4.2.2", "the holder is one directory name and a serial", _ASK_VOMS
    ),
    "holder_mismatch": Code(
        14, "RFC 5755 4.2.2", "the AC is of the user's certificate", _NEW_PROXY
    ),
    # Rule 15: issuer, serial and times.
    "ac_issuer_malformed": Code(
        15, "RFC 5755 4.2.3", "the AC's issuer is one directory name", _ASK_VOMS
    ),
    "ac_issuer_mismatch": Code(
        15, "RFC 5755 4.2.3", "the AC's issuer is its signer", _ASK_VOMS
    ),
    "ac_serial_invalid": Code(
        15, "RFC 5755 4.2.5", "the AC's serial is not negative, not too long", _ASK_VOMS
    ),
    "ac_time_malformed": Code(
        15, "RFC 5755 4.2.6", "the AC's times are in Z without fraction", _ASK_VOMS
    ),
    "ac_expired": Code(15, "RFC 5755 5", "the AC is not over", _NEW_PROXY),
    "ac_not_yet_valid": Code(15, "RFC 5755 5", "the AC has begun", _CLOCKS),
    # Rule 16: the attribute and the server it names.
    "ac_attribute_malformed": Code(
        16, "OGF GFD.182 3.4", "there is one FQAN attribute with one URI", _ASK_VOMS
    ),
    "ac_contact_invalid": Code(
        16, "OGF GFD.182 3.4", "the URI is vo://host:port", _ASK_VOMS
    ),
    # Rule 17: FQANs.
    "no_fqan": Code(17, "OGF GFD.182 3.4", "the AC has an FQAN", _ASK_VOMS),
    "fqan_malformed": Code(
        17, "OGF GFD.182 3.4", "each FQAN is well formed", _ASK_VOMS
    ),
    "fqan_outside_vo": Code(
        17, "OGF GFD.182 3.4", "each FQAN is of the AC's VO", _ASK_VOMS
    ),
    # Rule 18: the AC's extensions.
    "ac_extension_repeated": Code(
        18, "RFC 5755 4.3", "no extension of the AC occurs twice", _ASK_VOMS
    ),
    "ac_extension_critical": Code(
        18, "RFC 5755 4.3", "only targets are critical", _ASK_VOMS
    ),
    "ac_no_rev_avail_missing": Code(
        18, "RFC 5755 4.3.6", "noRevAvail is present", _ASK_VOMS
    ),
    "ac_key_id_missing": Code(
        18, "RFC 5755 4.3.3", "authorityKeyIdentifier names a key", _ASK_VOMS
    ),
    "ac_key_id_mismatch": Code(
        18, "RFC 5755 4.3.3", "authorityKeyIdentifier names the signer", _ASK_VOMS
    ),
    # Rule 19: targets.
    "ac_not_for_this_host": Code(
        19,
        "RFC 5755 4.3.2",
        "the AC's targets name this host",
        "Make the proxy without -target, or with the name of this host.",
    ),
    # Rule 20: who may sign for the VO.
    "ac_signer_missing": Code(
        20, "OGF GFD.182 3.7", "the AC brings its signer's certificate", _ASK_VOMS
    ),
    "lsc_not_found": Code(
        20,
        "OGF GFD.182 3.7",
        "there is an LSC file for the VOMS server",
        "Add the file, or the package that ships it, if this server is to be accepted.",
    ),
    "lsc_unreadable": Code(
        20,
        "OGF GFD.182 3.7",
        "the LSC file can be read",
        "Write into it the DN of the VOMS server and, below, that of its CA.",
    ),
    "lsc_mismatch": Code(
        20,
        "OGF GFD.182 3.7",
        "the LSC file lists the AC's signer and its CAs",
        "Update that file, or the package that ships it.",
    ),
    # Rule 21: the signer itself.
    "ac_signer_is_ca": Code(
        21, "RFC 5755 4.5", "the AC's signer is not a CA", _ASK_VOMS
    ),
    "ac_signer_is_proxy": Code(
        21, "RFC 5755 4.5", "the AC's signer is not a proxy", _ASK_VOMS
    ),
    "ac_signer_key_usage": Code(
        21, "RFC 5755 4.5", "the AC's signer may sign", _ASK_VOMS
    ),
    "ac_algorithm_mismatch": Code(
        21, "RFC 5755 4.2.4", "the two algorithm fields of the AC are equal", _ASK_VOMS
    ),
    "ac_algorithm_not_accepted": Code(
        21, "RFC 5755 4.2.4", "the AC's signature is SHA-2", _ASK_VOMS
    ),
    "ac_signature_invalid": Code(
        21, "RFC 5755 5", "the signer's key verifies the AC", _NEW_PROXY
    ),
    # Rule 22: the DN as a string.
    "dn_ambiguous": Code(
        22, "RFC 5280 4.1.2.4", "the DN can be read in one way only", _ASK_CA
    ),
}


def refusal(code: str, what: str, subject: str | None = None) -> CredentialRefused:
    """Return the refusal of that code; ``what`` is one sentence on this case."""
    return CredentialRefused(code, what=what, mend=CODES[code].mend, subject=subject)
