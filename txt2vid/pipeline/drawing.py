"""What draws live: an engine, whether it has a network to ask, and why that engine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from txt2vid import registry
from txt2vid.core.options import EngineOptions
from txt2vid.pipeline.choice import EMBEDDED, NEURAL, check, lacking
from txt2vid.pipeline.network import Ready, Unable


@dataclass(frozen=True, slots=True)
class Drawing:
    """engine: what draws faces now, a name in the registry; why: in words for people, empty where it was asked for.

    options: for studios, which are not started anew when the network comes or goes. network: whether it needs one.
    is_open: the choice was left to us.
    """

    engine: str
    why: str
    options: EngineOptions
    network: bool
    is_open: bool

    @staticmethod
    def of(options: EngineOptions) -> Drawing:
        """What to begin with. Raises UsageError or DependencyError where the engine asked for cannot be had."""
        check(options)
        if options.name != "auto":
            needs = registry.load("engine", options.name).network is not None
            return Drawing(options.name, "", options, needs, is_open=False)
        missing = lacking(options)
        name = EMBEDDED if missing else NEURAL
        why = missing or "its network is being loaded"
        return Drawing(name, why, replace(options, name=name), not missing, is_open=True)

    def uses(self, ready: Ready) -> bool:
        """Whether a network that is ready is asked: one that was asked for is, however slow."""
        return ready.keeps_up or not self.is_open

    def told(self, ready: Ready | None, failure: Unable | None) -> Drawing:
        """What draws once this is known of the network."""
        if ready is not None:
            return replace(self, engine=NEURAL if self.uses(ready) else EMBEDDED, why=ready.words)
        return replace(self, engine=EMBEDDED, why=failure.why if failure is not None else "its network is gone")
