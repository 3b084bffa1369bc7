"""What the server proves itself with: a certificate out of files, or one that it makes at its start."""

from __future__ import annotations

import ipaddress
import logging
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from txt2vid.errors import MediaError, OutputError, UsageError
from txt2vid.server.logs import say
from txt2vid.server.names import names_of
from txt2vid.server.settings import Tls

VALID = timedelta(days=30)  # of one that was made for a try: nobody can withdraw it
CLOCKS = timedelta(days=1)  # that the clocks of those who connect may be late
MADE = "txt2vid serve"  # whom it is issued to: browsers show it
_AGAIN = "choose other files, or try --tls-self-signed in their place"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proof:
    """Ready to be used. fingerprint: SHA-256 of the certificate, "AB:CD:…". names: who it is for."""

    context: ssl.SSLContext
    fingerprint: str
    names: tuple[str, ...]


def proof(tls: Tls, host: str, allowed: Iterable[str]) -> Proof:
    """What `tls` asks for. host, allowed: what a certificate made here is for, as --host and --allow-host have them.

    Raises MediaError and UsageError where files are of no use, OutputError where one cannot be written.
    """
    if tls.certificate is None or tls.key is None:
        return _made(names_of(host, allowed), tls.save)
    found = _read(tls.certificate)
    _look_at_dates(found, tls.certificate)
    context = _context()
    _load(context, tls.certificate, tls.key)
    return Proof(context, _fingerprint(found), _names(found))


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996
    return context


def _read(path: Path) -> x509.Certificate:
    """The first certificate of a file: the server's own, whose issuers follow."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except OSError as err:
        raise MediaError(f"certificate {path} cannot be read ({err.strerror}): {_AGAIN}") from err
    except ValueError as err:
        raise MediaError(f"{path} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----): {_AGAIN}") from err


def _look_at_dates(certificate: x509.Certificate, path: Path) -> None:
    """Whoever has no other one may go on with it, knowingly."""
    now = datetime.now(timezone.utc)
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if until < now:
        say(_log, "the certificate has expired: clients will refuse it", logging.WARNING, file=path, on=until.date())
    elif since > now:
        say(_log, "the certificate is not valid yet: clients will refuse it", logging.WARNING, file=path, on=since)


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):  # the latter: of one that nobody will trust
        return ()
    return (*held.get_values_for_type(x509.DNSName), *map(str, held.get_values_for_type(x509.IPAddress)))


class _EncryptedError(Exception):
    """A key wants a passphrase."""


def _no_passphrase() -> str:
    raise _EncryptedError  # without this, OpenSSL would ask on the terminal


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        if b"PRIVATE KEY-----" not in key.read_bytes():
            raise MediaError(f"{key} holds no key in PEM form (-----BEGIN PRIVATE KEY-----): {_AGAIN}")
        context.load_cert_chain(certificate, key, _no_passphrase)
    except _EncryptedError as err:
        raise MediaError(
            f"key {key} is encrypted: openssl pkey -in {key} -out plain.pem makes a copy without a passphrase, "
            "which --tls-key takes"
        ) from err
    except ssl.SSLError as err:
        if err.reason == "KEY_VALUES_MISMATCH":
            raise UsageError(f"key {key} is not that of certificate {certificate}: give --tls-key its own") from err
        why = (err.reason or str(err)).lower().replace("_", " ")
        raise MediaError(f"{certificate} and {key} cannot be used ({why}): {_AGAIN}") from err
    except OSError as err:
        raise MediaError(f"key {key} cannot be read ({err.strerror}): {_AGAIN}") from err


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _made(names: tuple[str, ...], save: Path | None) -> Proof:
    """A key and a certificate that live as long as this process. save: where the certificate alone is written to."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, names)
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = _context()
    with tempfile.NamedTemporaryFile(prefix="txt2vid-") as file:  # 0600; OpenSSL reads files alone
        file.write(private + public)
        file.flush()
        context.load_cert_chain(file.name)
    if save is not None:
        try:
            save.write_bytes(public)
        except OSError as err:
            raise OutputError(f"{save} cannot be written ({err.strerror}): choose another --tls-save") from err
    return Proof(context, _fingerprint(certificate), names)


def _self_signed(key: ec.EllipticCurvePrivateKey, names: Iterable[str]) -> x509.Certificate:
    """RFC 5280, for TLS servers alone: whoever trusts it trusts nothing else by it."""
    now, name = datetime.now(timezone.utc), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, MADE)])
    public = key.public_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder(name, name, public, x509.random_serial_number(), now - CLOCKS, now + VALID)
    for extension, critical in (
        (x509.SubjectAlternativeName([_general(each) for each in names]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False),
    ):
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
