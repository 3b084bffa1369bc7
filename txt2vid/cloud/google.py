"""Who asks Google: a key, or application default credentials (a service account's file, or `gcloud auth`'s), as tokens.

https://cloud.google.com/docs/authentication/application-default-credentials, without the metadata server of Google's
own machines: that is a request over the network which everybody else would wait for.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from txt2vid.cloud import keys
from txt2vid.cloud.http import Signed, checked_url
from txt2vid.cloud.keys import Secret
from txt2vid.errors import DependencyError, SpeechError, UsageError

FILE = "GOOGLE_APPLICATION_CREDENTIALS"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
PROJECT = "GOOGLE_CLOUD_QUOTA_PROJECT"  # who pays, where the credentials are a person's
TOKEN_SECONDS = 10.0  # that a token may take to come
KINDS = ("service_account", "authorized_user")  # other kinds may run programs, or ask any address


def signer(service: str, variable: str) -> Callable[[], Sequence[Signed]]:
    """What signs requests: the key under `variable`, else application default credentials.

    Raises DependencyError where there is neither, UsageError where one is unusable.
    """
    key = keys.look(variable)
    if key is not None:
        signed = [Signed("X-Goog-Api-Key", key)]
        return lambda: signed
    path = _file()
    if path is None:
        raise DependencyError(
            f"{service} needs a key: put it into the environment as {variable}, or as a line {variable}=… into"
            f" {keys.user_file()}, or let {FILE} name a service account's file"
        )
    return _Tokens(service, path).sign


def there(service: str, variable: str) -> str:
    """What signs requests, in words. Raises as `signer` does."""
    signer(service, variable)
    return f"a key in {variable}" if keys.look(variable) is not None else f"credentials in {_file()}"


class _Tokens:
    """Tokens from a file of credentials, new ones when they expire."""

    def __init__(self, service: str, path: Path) -> None:
        self._service, self._path, self._lock = service, path, threading.Lock()
        self._credentials, self._project = _loaded(path)

    def sign(self) -> Sequence[Signed]:
        """The headers of one request. Raises SpeechError where no token is given."""
        from google.auth.exceptions import GoogleAuthError

        with self._lock:
            if not self._credentials.valid:
                try:
                    self._credentials.refresh(_request)
                except GoogleAuthError as err:
                    why = "no answer" if isinstance(err.__cause__, httpx.HTTPError) else "they are refused"
                    raise SpeechError(
                        f"{self._service} gets no token for the credentials in {self._path} ({why}): renew them"
                    ) from None  # its text may quote what was sent
            token = Secret(self._credentials.token)
        project = [Signed("X-Goog-User-Project", Secret(self._project))] if self._project else []
        return [Signed("Authorization", token, "Bearer "), *project]


def _file() -> Path | None:
    named = os.environ.get(FILE)
    if named:
        return Path(named)
    folder = os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config" / "gcloud"
    path = Path(folder, "application_default_credentials.json")
    return path if path.exists() else None


def _loaded(path: Path) -> tuple[Any, str | None]:
    """Credentials, and the project that pays."""
    text = keys.read_private(path)
    try:
        info = json.loads(text)
        kind = info.get("type")
        if kind not in KINDS:
            raise UsageError(f"{path} holds credentials of type {kind!r}: give one of {' or '.join(KINDS)}")
        checked_url(info.get("token_uri") or "https://oauth2.googleapis.com/token", f"token_uri in {path}")
        return _made(kind, info), os.environ.get(PROJECT) or info.get("quota_project_id")
    except (ValueError, AttributeError, KeyError, TypeError) as err:
        raise UsageError(f"{path} holds no credentials of Google: download the file once more") from err


def _made(kind: str, info: Mapping[str, Any]) -> Any:
    try:
        from google.oauth2 import credentials, service_account
    except ModuleNotFoundError as err:
        raise DependencyError("credentials in a file need google-auth: pip install 'txt2vid[cloud]'") from err
    if kind == "service_account":
        made: Any = service_account.Credentials
        return made.from_service_account_info(info, scopes=[SCOPE])
    made = credentials.Credentials
    return made.from_authorized_user_info(info, scopes=[SCOPE])


class _Response:
    def __init__(self, response: httpx.Response) -> None:
        self.status, self.headers, self.data = response.status_code, response.headers, response.content


def _request(url: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any) -> _Response:
    """google.auth.transport.Request over httpx: no redirects, bounded in time."""
    from google.auth.exceptions import TransportError

    try:
        checked_url(url, "token_uri")
        return _Response(httpx.request(method, url, content=body, headers=headers, timeout=TOKEN_SECONDS))
    except httpx.HTTPError as err:
        raise TransportError(type(err).__name__) from err  # type: ignore[no-untyped-call]
