"""A server that answers as Google's Speech-to-Text, version 2, is documented to, with TLS, on this machine."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from google.cloud.speech_v2.types import cloud_speech as api

METHOD = "google.cloud.speech.v2.Speech"


@dataclass
class Asked:
    """One call. metadata: the headers. first: the message with the settings. sound: bytes that came after it."""

    metadata: dict[str, str]
    first: api.StreamingRecognizeRequest | None = None
    sound: bytes = b""


Answer = Callable[[Asked, grpc.ServicerContext], Iterator[api.StreamingRecognizeResponse]]


@dataclass
class Cloud:
    """Answers each call by the next of `answers`, the last one for ever."""

    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list)
    address: str = ""

    def handle(
        self, requests: Iterator[api.StreamingRecognizeRequest], context: grpc.ServicerContext
    ) -> Iterator[api.StreamingRecognizeResponse]:
        asked = Asked({key: str(value) for key, value in context.invocation_metadata()})
        self.asked.append(asked)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        asked.first = next(requests)
        yield tentative("hello")
        for request in requests:
            asked.sound += request.audio
        yield from answer(asked, context)

    @contextlib.contextmanager
    def open(self, folder: Path) -> Iterator[Cloud]:
        """Serves with what `certify` wrote to a folder."""
        server = grpc.server(futures.ThreadPoolExecutor(8))
        handler = grpc.stream_stream_rpc_method_handler(
            self.handle,
            request_deserializer=api.StreamingRecognizeRequest.deserialize,
            response_serializer=api.StreamingRecognizeResponse.serialize,
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(METHOD, {"StreamingRecognize": handler}),)
        )
        pair = ((folder / "key.pem").read_bytes(), (folder / "ca.pem").read_bytes())
        port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
        self.address = f"localhost:{port}"
        server.start()
        try:
            yield self
        finally:
            server.stop(0.2).wait(5)


def certify(folder: Path) -> Path:
    """Writes a key and a certificate for localhost; returns the file that a client must trust."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem")]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=60)
    return folder / "ca.pem"


def tentative(text: str) -> api.StreamingRecognizeResponse:
    return _response(text, final=False)


def final(text: str) -> api.StreamingRecognizeResponse:
    return _response(text, final=True)


def _response(text: str, *, final: bool) -> api.StreamingRecognizeResponse:
    alternative = api.SpeechRecognitionAlternative(transcript=text)
    result = api.StreamingRecognitionResult(alternatives=[alternative], is_final=final)
    return api.StreamingRecognizeResponse(results=[result])


def says(*texts: str) -> Answer:
    """Understands these."""
    return lambda _asked, _context: iter([final(text) for text in texts])


def fails(code: grpc.StatusCode, words: str = "no") -> Answer:
    """Ends the call with that code."""

    def answer(_asked: Asked, context: grpc.ServicerContext) -> Iterator[api.StreamingRecognizeResponse]:
        context.abort(code, words)
        yield from ()

    return answer
