"""Whom we take for the server, where it speaks TLS: whoever the system trusts, and one certificate more."""

from __future__ import annotations

import hashlib
import re
import ssl
from typing import Any

from txt2vid.errors import MediaError, UsageError

_FINGERPRINT = re.compile(r"(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}", re.IGNORECASE)
_EXPIRED, _OTHER_NAME, _OTHER_ADDRESS, _OTHER_CERTIFICATE = 10, 62, 64, -1  # OpenSSL's X509_V_ERR_…; the last is ours
_SHOWN = 23  # characters of a fingerprint that tell one from another


def trusting(ca: str, url: str) -> ssl.SSLContext:
    """For connections to `url`, which must be https:// or wss://. ca: a file's path, or a certificate's SHA-256.

    Raises UsageError where the URL knows no certificates, MediaError where the file holds none.
    """
    if not url.startswith(("https://", "wss://")):
        raise UsageError(
            f"--ca is about https:// and wss://, which {url.partition('?')[0]} is not: change that, or leave --ca out"
        )
    if _FINGERPRINT.fullmatch(ca):
        return _Pinned(bytes.fromhex(ca.replace(":", "")))
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the server's own certificate will do, whoever issued it
    try:
        context.load_verify_locations(ca)
    except ssl.SSLError as err:
        raise MediaError(f"{ca} holds no certificate in PEM form: serve --tls-save {ca} writes one") from err
    except OSError as err:
        raise MediaError(f"certificate {ca} cannot be read ({err.strerror}): check its name") from err
    return context


def distrust(err: BaseException) -> tuple[str, str] | None:
    """What is wrong with a server's certificate, and what to type; None where the trouble is something else."""
    if not isinstance(err, ssl.SSLCertVerificationError):
        return None
    code, why = err.verify_code, err.verify_message.rstrip(".")
    if code == _EXPIRED:
        return "its certificate has expired", "give it a new one: txt2vid serve --tls-cert FILE --tls-key FILE"
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return f"its certificate is for other names ({why})", "use one of those, or start it with --allow-host NAME"
    if code == _OTHER_CERTIFICATE:
        return f"its certificate is another one ({why})", "give --ca what serve printed at its last start"
    return f"its certificate is not trusted ({why})", "add --ca with its file, or the SHA-256 that serve printed"


class _Pinned(ssl.SSLContext):
    """Trusts the one certificate with a SHA-256 (32 bytes), whatever it says of itself, and no other."""

    digest: bytes

    def __new__(cls, _digest: bytes) -> _Pinned:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        self.check_hostname = False  # the digest says more than a name
        self.verify_mode = ssl.CERT_NONE  # `_check` does it
        self.minimum_version = ssl.TLSVersion.TLSv1_2
        self.sslobject_class, self.sslsocket_class = _PinnedObject, _PinnedSocket


def _check(end: ssl.SSLObject | ssl.SSLSocket) -> None:
    """Raises ssl.SSLCertVerificationError: after the handshake, and before anything of ours is sent."""
    found = hashlib.sha256(end.getpeercert(binary_form=True) or b"").digest()
    context = end.context
    if not isinstance(context, _Pinned) or found != context.digest:
        shown = found.hex(":").upper()[:_SHOWN]
        err = ssl.SSLCertVerificationError(ssl.SSL_ERROR_SSL, f"SHA-256 {shown}…")
        err.verify_code, err.verify_message = _OTHER_CERTIFICATE, f"SHA-256 {shown}…"
        raise err


class _PinnedObject(ssl.SSLObject):  # asyncio's
    def do_handshake(self) -> None:
        super().do_handshake()
        _check(self)


class _PinnedSocket(ssl.SSLSocket):  # http.client's
    def do_handshake(self, *arguments: Any, **more: Any) -> None:
        super().do_handshake(*arguments, **more)
        _check(self)
