"""Whom a sender trusts: what is given as --ca and is none says so."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from txt2vid.errors import MediaError, UsageError
from txt2vid.sender.trust import distrust, trusting

URL = "wss://studio.example/speak"
PIN = ":".join(["AB"] * 32)


def test_files_that_hold_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "noise").write_text("no certificate")
    for name, says in (("gone", "gone cannot be read"), ("empty", "holds no"), ("noise", "holds no"), ("", "read")):
        with pytest.raises(MediaError, match=says):
            trusting(str(tmp_path / name), URL)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:8080/speak", "http://studio.example/?token=secret"])
def test_without_tls_there_is_nothing_to_trust(url: str) -> None:
    with pytest.raises(UsageError, match="leave --ca out") as caught:
        trusting(PIN, url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("pin", [PIN, PIN.lower(), PIN.replace(":", "")])
def test_a_fingerprint_as_programs_show_it(pin: str) -> None:
    assert trusting(pin, URL).verify_mode == ssl.CERT_NONE  # its own check is tests/server/test_tls.py's


def test_what_is_no_fingerprint_is_a_file() -> None:
    for almost in (PIN[:-1], PIN + ":AB", "sha256:" + PIN):
        with pytest.raises(MediaError, match="cannot be read"):
            trusting(almost, URL)


def test_other_troubles_are_not_about_trust() -> None:
    assert distrust(ssl.SSLError(1, "wrong version number")) is None
    assert distrust(ConnectionResetError()) is None
