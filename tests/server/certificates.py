"""Certificates and keys as files, made on the spot."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Files(NamedTuple):
    """One certificate. ca: of whoever issued it."""

    certificate: Path
    key: Path
    ca: Path


def _issuer(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def write_key(path: Path, key: ec.EllipticCurvePrivateKey, passphrase: str = "") -> None:
    how: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))


def issued(folder: Path, *, since: timedelta = -DAY, until: timedelta = DAY, passphrase: str = "") -> Files:
    """For 127.0.0.1 and studio.example, by an issuer of its own; valid from then to then, seen from now."""
    folder.mkdir(exist_ok=True)
    authority, own, now = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()), _now()
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("studio.example")]
    )
    signs = x509.KeyUsage(True, False, False, False, False, True, False, False, False)
    us, them = _issuer("us"), _issuer("them")
    known = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    root = (
        x509.CertificateBuilder(them, them, authority.public_key(), 1, now - 9 * DAY, now + 9 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .add_extension(signs, critical=True)
    )
    leaf = (
        x509.CertificateBuilder(them, us, own.public_key(), 2, now + since, now + until)
        .add_extension(names, critical=False)
        .add_extension(known, critical=False)
    )
    files = Files(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    files.ca.write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    files.certificate.write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    write_key(files.key, own, passphrase)
    return files


def _now() -> datetime:
    return datetime.now(timezone.utc)
