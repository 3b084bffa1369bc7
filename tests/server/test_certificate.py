"""What the server proves itself with: files that are of no use say so, and one that is made holds all names."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.server.certificates import DAY, Files, issued, write_key
from txt2vid.errors import MediaError, OutputError, Txt2VidError, UsageError
from txt2vid.server.certificate import VALID, proof
from txt2vid.server.names import addresses, names_of
from txt2vid.server.settings import Tls


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return issued(tmp_path_factory.mktemp("files"))


def shaken(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """The version that a handshake over a real connection agrees on. Raises what the client does."""
    ours, theirs = socket.socketpair()

    def answer() -> None:
        try:
            server.wrap_socket(ours, server_side=True).close()
        except OSError:
            ours.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname=name) as end:
            return end.version()
    finally:
        theirs.close()
        thread.join()


def test_files(files: Files) -> None:
    made = proof(Tls(files.certificate, files.key), "127.0.0.1", ())
    client = ssl.create_default_context(cafile=str(files.ca))
    assert shaken(made.context, client, "studio.example") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(made.context, client, "other.example")
    assert len(made.fingerprint.split(":")) == 32
    assert made.names == ("studio.example", "127.0.0.1")


def test_nothing_older_than_tls_1_2(files: Files) -> None:
    made = proof(Tls(files.certificate, files.key), "127.0.0.1", ())
    client = ssl.create_default_context(cafile=str(files.ca))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shaken(made.context, client, "127.0.0.1") == "TLSv1.2"
    assert made.context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_certificate_that_has_expired_is_served_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = issued(tmp_path, since=-3 * DAY, until=-DAY)
    with caplog.at_level(logging.WARNING):
        made = proof(Tls(old.certificate, old.key), "127.0.0.1", ())
    assert "the certificate has expired" in caplog.text
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shaken(made.context, ssl.create_default_context(cafile=str(old.ca)), "127.0.0.1")


def test_a_certificate_that_is_not_valid_yet_is_served_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    early = issued(tmp_path, since=DAY, until=3 * DAY)
    with caplog.at_level(logging.WARNING):
        proof(Tls(early.certificate, early.key), "127.0.0.1", ())
    assert "not valid yet" in caplog.text


def refused(certificate: Path, key: Path, kind: type[Txt2VidError], *says: str) -> None:
    with pytest.raises(kind) as caught:
        proof(Tls(certificate, key), "127.0.0.1", ())
    for words in says:
        assert words in str(caught.value)


def test_files_of_no_use(files: Files, tmp_path: Path) -> None:
    noise = tmp_path / "noise.pem"
    noise.write_bytes(b"\x00no certificate")
    refused(tmp_path / "gone.pem", files.key, MediaError, "gone.pem", "No such file", "--tls-self-signed")
    refused(files.certificate, tmp_path / "gone.key", MediaError, "gone.key", "No such file")
    refused(tmp_path, files.key, MediaError, "directory")
    refused(noise, files.key, MediaError, "noise.pem holds no certificate")
    refused(files.key, files.certificate, MediaError, "key.pem holds no certificate")
    refused(files.certificate, noise, MediaError, "noise.pem holds no key")
    broken = tmp_path / "broken.pem"
    broken.write_text(files.key.read_text().replace("M", "Q"))
    refused(files.certificate, broken, MediaError, "cannot be used")


def test_a_key_of_another_certificate(files: Files, tmp_path: Path) -> None:
    write_key(tmp_path / "other.key", ec.generate_private_key(ec.SECP256R1()))
    refused(files.certificate, tmp_path / "other.key", UsageError, "other.key is not that of", "--tls-key")


def test_a_key_with_a_passphrase_is_not_asked_for(tmp_path: Path) -> None:
    locked = issued(tmp_path, passphrase="sesame")  # noqa: S106 - of this test
    refused(locked.certificate, locked.key, MediaError, "is encrypted", f"openssl pkey -in {locked.key}")


def test_a_certificate_that_is_made(tmp_path: Path) -> None:
    saved = tmp_path / "made.pem"
    made = proof(Tls(save=saved), "0.0.0.0", ("Studio.Example", "bücher.example", "10.1.2.3", "[2001:db8::7]"))  # noqa: S104
    certificate = x509.load_pem_x509_certificate(saved.read_bytes())
    assert b"PRIVATE" not in saved.read_bytes()
    assert certificate.fingerprint(hashes.SHA256()).hex(":").upper() == made.fingerprint
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    left = certificate.not_valid_after_utc - datetime.now(timezone.utc)
    assert VALID - DAY < left <= VALID
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    names = set(held.get_values_for_type(x509.DNSName))
    numbers = {str(each) for each in held.get_values_for_type(x509.IPAddress)}
    assert names >= {"localhost", socket.gethostname().lower(), "studio.example", "xn--bcher-kva.example"}
    assert numbers >= {"127.0.0.1", "::1", "10.1.2.3", "2001:db8::7", *addresses()}
    client = ssl.create_default_context(cafile=str(saved))
    for name in ("localhost", "127.0.0.1", "::1", "studio.example", "2001:db8::7", *addresses()):
        assert shaken(made.context, client, name) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(made.context, client, "other.example")


def test_two_servers_have_two_certificates_and_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    one, other = (proof(Tls(), "127.0.0.1", ()) for _ in range(2))
    assert one.fingerprint != other.fingerprint
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_that_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="choose another --tls-save"):
        proof(Tls(save=tmp_path / "gone" / "made.pem"), "127.0.0.1", ())


def test_names_are_those_that_the_host_means() -> None:
    here = {"localhost", "127.0.0.1", "::1", socket.gethostname().lower()}
    assert here <= set(names_of("127.0.0.1"))
    assert not set(addresses()) & set(names_of("127.0.0.1"))
    assert "192.168.1.7" in names_of("192.168.1.7")
    assert set(names_of("::")) >= set(addresses())
    assert "127.0.0.1" in names_of("localhost")
    assert len(set(names_of("localhost"))) == len(names_of("localhost"))
    assert "" not in names_of("127.0.0.1", ["", "ü" * 80])
    for each in addresses():
        assert not ipaddress.ip_address(each).is_loopback


@pytest.mark.parametrize(
    ("certificate", "key", "save", "made", "says"),
    [
        ("a", None, None, False, "add --tls-key"),
        (None, "a", None, False, "add --tls-cert"),
        ("a", "b", None, True, "leave one of them out"),
        (None, None, "a", False, "add --tls-self-signed"),
        ("a", "b", "c", False, "add --tls-self-signed"),
    ],
)
def test_what_makes_no_sense_together(
    certificate: str | None, key: str | None, save: str | None, made: bool, says: str
) -> None:
    paths = [None if each is None else Path(each) for each in (certificate, key, save)]
    with pytest.raises(UsageError, match=says):
        Tls.of(*paths, self_signed=made)


def test_without_any_of_it_there_is_plain_http() -> None:
    assert Tls.of(None, None, None, self_signed=False) is None
