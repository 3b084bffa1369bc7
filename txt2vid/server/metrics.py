"""/metrics: what Prometheus reads. Numbers of sessions are looked up when it asks, so those of ended ones are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from txt2vid.core import callwire, wire
from txt2vid.pipeline.messages import Report
from txt2vid.pipeline.studios import Studios
from txt2vid.server.calls.calls import Calls
from txt2vid.server.hub import Hub
from txt2vid.server.mesh.cameras import Cameras
from txt2vid.server.session import Session

_GAUGES: dict[str, tuple[str, Callable[[Report], float]]] = {
    "playout_delay_seconds": ("From a sample's arrival to its place in the stream.", lambda report: report.playout),
    "buffered_seconds": ("Sound that waits in the jitter buffer.", lambda report: report.buffered),
    "av_offset_seconds": ("How much the sound is ahead of the lips.", lambda report: report.av_offset),
    "queued_frames": ("Pictures that wait for the encoder.", lambda report: report.queued_frames),
    "session_seconds": ("The session's time.", lambda report: report.time),
}
_COUNTERS: dict[str, tuple[str, Callable[[Report], float]]] = {
    "frames_drawn": ("Pictures that were drawn.", lambda report: report.drawn),
    "frames_late": ("Pictures that were late.", lambda report: report.late),
    "frames_dropped": ("Pictures that were left out.", lambda report: report.dropped),
    "mouths_drawn": ("Pictures whose mouth a network drew in time.", lambda report: report.mouths),
    "mouths_held": (
        "Pictures with an earlier mouth, since the network did not draw theirs in time.",
        lambda report: report.held,
    ),
    "render_seconds": ("Seconds spent drawing.", lambda report: report.render_seconds),
    "encode_seconds": ("Seconds spent handing pictures to the encoder.", lambda report: report.encode_seconds),
    "heard_seconds": ("Sound that was heard.", lambda report: report.heard_seconds),
    "concealed_seconds": ("Sound that was missing and made up.", lambda report: report.concealed_seconds),
    "trimmed_seconds": ("Silence left out to win back delay.", lambda report: report.trimmed_seconds),
}
_TRAFFIC: dict[str, tuple[str, Callable[[Session], float]]] = {
    "received_bytes": ("Sound that came from senders.", lambda session: session.audio_bytes),
    "received_text_bytes": ("Messages with texts that came from senders.", lambda session: session.text_bytes),
    "received_characters": ("The characters of these texts.", lambda session: session.text_characters),
    "refused_packets": ("Sound that a studio could not take in time.", lambda session: session.refused),
    "encoded_bytes": ("What came from the encoder.", lambda session: session.broadcaster.bytes_in),
    "sent_bytes": (
        "What went to viewers.",
        lambda session: session.broadcaster.bytes_out + session.forwarder.bytes_out,
    ),
    "dropped_units": ("Pieces of a stream left out for slow viewers.", lambda session: session.broadcaster.dropped),
    "encoder_restarts": ("Encoders that died and were replaced.", lambda session: session.encoder_restarts),
}


_CODES = {**wire.CLOSE_CODES, **callwire.CLOSE_CODES}


class Metrics:
    """The numbers of one server, in a registry of its own: several servers may live in a process."""

    def __init__(self, hub: Hub, calls: Calls, cameras: Cameras) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_HubNumbers(hub))
        self._registry.register(_CallNumbers(calls))
        self._registry.register(_MeshNumbers(cameras))
        self._refused = Counter(
            "txt2vid_refused",
            "Connections that were refused or ended with an error.",
            ["code"],
            registry=self._registry,
        )
        for code in _CODES:
            self._refused.labels(code)

    def refused(self, code: str) -> None:
        """A connection was refused. code: a key of either protocol's CLOSE_CODES, so that labels are bounded."""
        self._refused.labels(code if code in _CODES else "protocol").inc()

    def text(self) -> bytes:
        """All numbers in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)


class _HubNumbers(Collector):
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """Everything, now. At most as many label values as there may be sessions."""
        sessions = list(self._hub.sessions.by_name.values())
        senders = sum(session.seat.sender is not None for session in sessions)
        yield GaugeMetricFamily("txt2vid_sessions", "Sessions that are open.", len(sessions))
        yield GaugeMetricFamily("txt2vid_senders", "Senders that are connected.", senders)
        yield GaugeMetricFamily("txt2vid_studios", "Processes that draw.", self._hub.studios.running)
        yield CounterMetricFamily("txt2vid_studio_restarts", "Such processes that died.", self._hub.studio_losses)
        viewers = GaugeMetricFamily("txt2vid_viewers", "Who watches.", labels=["session"])
        for session in sessions:
            viewers.add_metric([session.label], session.viewers)
        yield viewers
        yield from _of_network(self._hub.studios)
        yield from _of_sessions(sessions)


class _CallNumbers(Collector):
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def collect(self) -> Iterator[Metric]:
        """How many call; of no call by its name."""
        rooms = list(self._calls.rooms)
        members = sum(len(room.members) for room in rooms)
        yield GaugeMetricFamily("txt2vid_calls", "Rooms for calls, empty ones among them.", len(rooms))
        yield GaugeMetricFamily("txt2vid_callers", "Who is in a call.", members)
        waiting = sum(len(room.lobby) for room in rooms)
        yield GaugeMetricFamily("txt2vid_callers_waiting", "Who waits in a call's lobby.", waiting)
        uploads = sum(len(room.uploads) for room in rooms)
        yield GaugeMetricFamily("txt2vid_uploads", "Pictures that callers brought, and that are kept.", uploads)
        refused = CounterMetricFamily("txt2vid_uploads_refused", "Pictures that were not taken.", labels=["code"])
        for code, count in self._calls.refused.items():
            refused.add_metric([code], count)
        yield refused


class _MeshNumbers(Collector):
    def __init__(self, cameras: Cameras) -> None:
        self._cameras = cameras

    def collect(self) -> Iterator[Metric]:
        """How many show their cameras, and what was looked at."""
        observers, counts = self._cameras.observers, self._cameras.counts
        yield GaugeMetricFamily("txt2vid_cameras", "Cameras whose faces are tracked.", len(self._cameras.here))
        yield GaugeMetricFamily("txt2vid_observers", "Processes that track faces.", observers.running)
        yield CounterMetricFamily("txt2vid_observer_restarts", "Such processes that died.", observers.restarts)
        yield CounterMetricFamily("txt2vid_pictures_tracked", "Pictures that were looked at.", counts["pictures"])
        yield CounterMetricFamily("txt2vid_pictures_dropped", "Pictures that were not.", counts["dropped"])
        yield CounterMetricFamily("txt2vid_faces_tracked", "Faces in them.", counts["faces"])
        yield CounterMetricFamily("txt2vid_cameras_refused", "Cameras for which there was no room.", counts["refused"])


def _of_network(studios: Studios) -> Iterator[Metric]:
    """What draws, and the network's work; nothing of a network where the engine has none."""
    drawing = studios.drawing
    yield InfoMetricFamily("txt2vid_engine", "What draws now, and why.", {"name": drawing.engine, "why": drawing.why})
    network = studios.network
    if network is None:
        return
    yield GaugeMetricFamily(
        "txt2vid_network_ready", "1 while the network draws mouths.", float(network.ready is not None)
    )
    yield CounterMetricFamily("txt2vid_network_losses", "Times that its process was lost.", network.losses)
    if network.done is None:
        return
    counts = network.done.counts
    yield GaugeMetricFamily("txt2vid_network_waiting", "Sessions that wait for a mouth.", network.done.waiting)
    yield CounterMetricFamily("txt2vid_network_batches", "Batches across all sessions.", counts.batches)
    yield CounterMetricFamily("txt2vid_network_answered", "Mouths that were drawn.", counts.answered)
    yield CounterMetricFamily("txt2vid_network_replaced", "Mouths that were not, for want of time.", counts.replaced)
    yield CounterMetricFamily("txt2vid_network_late", "Mouths that came after their frame was due.", counts.late)
    yield CounterMetricFamily("txt2vid_network_seconds", "Seconds spent in batches.", counts.seconds)


def _of_sessions(sessions: list[Session]) -> Iterator[Metric]:
    for name, (words, read) in _GAUGES.items():
        gauge = GaugeMetricFamily(f"txt2vid_{name}", words, labels=["session"])
        for session in sessions:
            if session.report is not None:
                gauge.add_metric([session.label], read(session.report))
        yield gauge
    for name, (words, read) in _COUNTERS.items():
        counter = CounterMetricFamily(f"txt2vid_{name}", words, labels=["session"])
        for session in sessions:
            if session.report is not None:
                counter.add_metric([session.label], read(session.report))
        yield counter
    for name, (words, count) in _TRAFFIC.items():
        traffic = CounterMetricFamily(f"txt2vid_{name}", words, labels=["session"])
        for session in sessions:
            traffic.add_metric([session.label], count(session))
        yield traffic
