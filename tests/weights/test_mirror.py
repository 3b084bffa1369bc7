"""The decisions about requests, without any."""

from __future__ import annotations

import errno
import socket
import ssl
from email.message import Message
from http.client import BadStatusLine, InvalidURL, RemoteDisconnected
from urllib.error import URLError

import pytest

from txt2vid.errors import UsageError
from txt2vid.weights.mirror import (
    AnewError,
    Ask,
    MirrorError,
    address,
    check,
    first_byte,
    followed,
    reason,
    shown,
    validator,
)


def headers(**values: str) -> Message:
    message = Message()
    for name, value in values.items():
        message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize("url", ["https://example.org/a.pth", "http://127.0.0.1:8000/a?token=x", "https://[::1]/a"])
def test_addresses_of_the_web(url: str) -> None:
    check(url, https_only=url.startswith("https"))


@pytest.mark.parametrize(
    "url",
    [
        "", "a.pth", "file:///etc/passwd", "ftp://example.org/a", "https://", "https:///a", "https://h:0/", "https://h:x/",
        "https://h:99999/", "https://me:secret@h/a", "https://h/a b", "https://h/a\nb", "https://h/ä", "https://[::1/a",
    ],
)  # fmt: skip
def test_other_addresses_are_refused_without_a_word_of_them(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(url, https_only=False)
    assert "secret" not in str(caught.value)


def test_the_table_knows_https_only() -> None:
    with pytest.raises(UsageError):
        check("http://example.org/a.pth", https_only=True)


def test_what_is_shown_and_kept_holds_no_token() -> None:
    url = "https://example.org:8443/a.pth?token=secret#secret"
    assert shown(url) == "example.org"
    assert address(url) == "https://example.org:8443/a.pth"


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("https://a.org/x", "https://b.org/y?z", "https://b.org/y?z"),
        ("https://a.org/x/y", "../z", "https://a.org/z"),
        ("http://127.0.0.1:80/x", "https://b.org/y", "https://b.org/y"),
        ("http://127.0.0.1:80/x", "/y", "http://127.0.0.1:80/y"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1:80/y", "http://127.0.0.1:80/y"),
    ],
)
def test_redirects_that_are_followed(url: str, location: str, target: str) -> None:
    assert followed(url, location) == target


@pytest.mark.parametrize(
    ("location", "why"),
    [
        (None, "a redirect to nowhere"),
        ("", "a redirect to nowhere"),
        ("file:///etc/passwd", "a redirect to no address of the web"),
        ("ftp://a.org/x", "a redirect to no address of the web"),
        ("https://me:secret@a.org/x", "a redirect to no address of the web"),
        ("https://[::1/x", "a redirect to no address"),
        ("http://a.org/x", "a redirect to a.org without https"),
        ("http://127.0.0.1:81/x?token=secret", "a redirect to 127.0.0.1 without https"),
    ],
)
def test_redirects_that_are_not(location: str | None, why: str) -> None:
    for url in ("https://127.0.0.1:81/", "http://127.0.0.1:80/"):
        with pytest.raises(MirrorError) as caught:
            followed(url, location)
        assert str(caught.value) == why


def test_https_is_not_left_for_the_same_host() -> None:
    with pytest.raises(MirrorError, match="without https"):
        followed("https://a.org/x", "http://a.org/x")


def test_a_rest_is_asked_for_by_its_version() -> None:
    assert "Range" not in Ask("https://a.org/", 0, '"v"', 1).headers()
    assert Ask("https://a.org/", 5, None, 1).headers()["Range"] == "bytes=5-"
    assert "If-Range" not in Ask("https://a.org/", 5, None, 1).headers()
    assert Ask("https://a.org/", 5, '"v"', 1).headers()["If-Range"] == '"v"'


@pytest.mark.parametrize(
    ("status", "sent", "start", "begins"),
    [
        (200, {}, 0, 0),
        (200, {"content_length": "10"}, 0, 0),
        (200, {"content_length": "10"}, 4, 0),
        (206, {"content_range": "bytes 4-9/10"}, 4, 4),
        (206, {"content_range": "bytes 4-9/*"}, 4, 4),
        (206, {"content_range": "bytes 4-7/10"}, 4, 4),
    ],
)
def test_answers_that_fit(status: int, sent: dict[str, str], start: int, begins: int) -> None:
    assert first_byte(status, headers(**sent), start, 10) == begins


@pytest.mark.parametrize("told", ["", "bytes 0-9/10", "bytes 4-9/11", "bytes 5-9/10", "4-9/10", "bytes */10"])
def test_another_part_means_all_of_it_anew(told: str) -> None:
    with pytest.raises(AnewError):
        first_byte(206, headers(content_range=told), 4, 10)
    with pytest.raises(AnewError):
        first_byte(416, headers(content_range="bytes */10"), 4, 10)


@pytest.mark.parametrize(
    ("status", "sent", "start", "why"),
    [
        (200, {"content_length": "11"}, 0, "has 11 bytes instead of 10"),
        (200, {"content_length": "9"}, 4, "has 9 bytes instead of 10"),
        (200, {"content_length": "\x1b[2J"}, 0, "has no bytes instead of 10"),
        (206, {"content_range": "bytes 0-9/10"}, 0, "HTTP 206 Partial Content"),
        (404, {}, 4, "HTTP 404 Not Found"),
        (416, {}, 0, "HTTP 416 Requested Range Not Satisfiable"),
        (799, {}, 0, "HTTP 799"),
    ],
)
def test_answers_of_no_use(status: int, sent: dict[str, str], start: int, why: str) -> None:
    with pytest.raises(MirrorError) as caught:
        first_byte(status, headers(**sent), start, 10)
    assert str(caught.value) == why
    assert not isinstance(caught.value, AnewError)


def test_what_names_a_version() -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    assert validator(headers(etag='"v"', last_modified=date)) == '"v"'
    assert validator(headers(etag='W/"v"', last_modified=date)) == date
    assert validator(headers(etag='W/"v"')) is None
    assert validator(headers()) is None


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TimeoutError("timed out"), "no byte for 1.5 s"),
        (URLError(TimeoutError("timed out")), "no byte for 1.5 s"),
        (URLError(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")), "Connection refused"),
        (URLError(socket.gaierror(-2, "Name or service not known")), "no host of this name is found"),
        (RemoteDisconnected("secret"), "the connection broke off"),
        (BadStatusLine("secret"), "no proper answer (BadStatusLine)"),
        (InvalidURL("/x?token=secret"), "no proper answer (InvalidURL)"),
        (UnicodeError("label too long"), "no proper answer (UnicodeError)"),
        (URLError("unknown url type: secret"), "no proper answer (URLError)"),
        (URLError(OSError("Tunnel connection failed: 407 Proxy Authentication Required")), "the proxy refuses"),
    ],
)
def test_errors_of_the_network_in_our_words(error: Exception, why: str) -> None:
    assert reason(error, 1.5) == why


def test_a_certificate_that_is_not_trusted() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    assert reason(URLError(error), 1) == "its certificate is not trusted: self-signed certificate"
