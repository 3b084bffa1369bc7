"""The websocket /call/{room}/live: one caller's connection, from join to its end. Nothing that it says is trusted."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket

from txt2vid.core import callwire
from txt2vid.core.callwire import (
    CLOSE_CODES,
    GOODBYE,
    SUBPROTOCOL,
    Bye,
    CallerMessage,
    CallError,
    ChooseHero,
    Heroes,
    InRoom,
    Join,
    Leave,
    Lobby,
    Mute,
    Ping,
    Pong,
    ReadAlong,
    RelayMessage,
    decode_caller,
)
from txt2vid.core.checks import WireError
from txt2vid.core.expressions import cue
from txt2vid.core.tasks import within
from txt2vid.core.wire import Expression
from txt2vid.errors import UsageError
from txt2vid.server import limits
from txt2vid.server.calls.calls import Caller, Calls
from txt2vid.server.calls.rooms import Room
from txt2vid.server.line import Line
from txt2vid.server.rates import Bucket
from txt2vid.server.seat import Refused

_WHOLE = (InRoom, Heroes, Lobby, Pong)  # the newest says it all
MEANT = 1000  # the close code of one who hangs up; any other (a page that is loaded anew, 1001) may come back


class Live(Line, Caller):
    """One caller's connection. refused: the code of the error that it ended with."""

    def __init__(self, websocket: WebSocket, calls: Calls) -> None:
        super().__init__(websocket, SUBPROTOCOL, limits.CALL_OUTBOX)
        self.refused: str | None = None
        self._calls = calls
        self._room: Room | None = None
        self._who: str | None = None
        self._left = False
        self._faces = Bucket(limits.EXPRESSIONS_A_SECOND, limits.EXPRESSIONS_BURST, 0.0)

    def tell(self, message: RelayMessage) -> None:
        """Queues a message; one that does not read is cut off, and may come back."""
        instead = message.TYPE if isinstance(message, _WHOLE) else None
        if not self.queue(callwire.encode(message), instead):
            self.dismiss("rate", "too many messages wait to be read: read them")

    def dismiss(self, code: str, message: str) -> None:
        """An error, after which the connection closes."""
        self.refused = self.refused or code
        self.end(callwire.encode(CallError(code, message)), CLOSE_CODES[code], code)

    def bye(self, why: str) -> None:
        """The last word, after which the connection closes."""
        self.end(callwire.encode(Bye(why)), GOODBYE, why)

    def opened(self, *, offered: bool) -> None:
        """Looks for the room, and whether there is a place for another connection."""
        if not offered:
            self.dismiss("protocol", f"ask for the subprotocol {SUBPROTOCOL}")
        elif len(self._calls.connected) >= limits.MAX_CALLERS:
            self.dismiss("full", "too many callers are connected: try again later")
        else:
            try:
                self._room = self._calls.find(self.websocket.path_params["room"], self.address)
            except Refused as err:
                self.dismiss(err.code, str(err))
        self._calls.connected.add(self)

    async def converse(self) -> None:
        """Join, then whatever comes."""
        if self._room is None:
            return
        try:
            await self._converse(self._room)
        except (WireError, Refused) as err:
            self.dismiss(err.code if err.code in CLOSE_CODES else "protocol", str(err))

    def gone(self) -> None:
        """The place is kept where the connection was cut, or the peer did not read."""
        self._calls.connected.discard(self)
        if self._room is not None and self._who is not None:
            meant = self._left or self.left == MEANT or self.refused == "protocol"
            self._calls.leave(self._room, self._who, self, broken=not meant)

    async def _converse(self, room: Room) -> None:
        allowance = Bucket(limits.CALL_MESSAGES_A_SECOND, limits.CALL_MESSAGES_BURST, self._now())
        try:
            first = decode_caller(await within(self.receive(), limits.JOIN_SECONDS))
        except asyncio.TimeoutError as err:
            raise WireError(f"no join within {limits.JOIN_SECONDS:g} s") from err
        if not isinstance(first, Join):
            raise WireError("the first message must be a join")
        self._who = self._calls.join(room, self, first)
        while not self._left:
            message = decode_caller(await self.receive())
            if not allowance.take(1, self._now()):
                raise WireError(f"more than {limits.CALL_MESSAGES_A_SECOND:g} messages a second", "rate")
            self._obey(room, self._who, message)

    def _obey(self, room: Room, who: str, message: CallerMessage) -> None:
        if isinstance(message, Join):
            raise WireError("join came twice")
        if isinstance(message, ChooseHero):
            self._calls.choose(room, who, message.hero)
        elif isinstance(message, Mute):
            self._calls.mute(room, who, on=message.on)
        elif isinstance(message, Expression):
            self._express(room, who, message)
        elif isinstance(message, ReadAlong):
            self._calls.reading.turn(who, on=message.on)
        elif isinstance(message, Ping):
            self.tell(Pong())
        elif isinstance(message, Leave):
            self._left = True
            self.bye("left")

    def _express(self, room: Room, who: str, message: Expression) -> None:
        """Something that cannot be shown is no reason to hang up."""
        try:
            if not self._faces.take(1, self._now()):
                raise UsageError(f"more than {limits.EXPRESSIONS_A_SECOND:g} expressions a second: it was passed over")
            self._calls.express(room, who, cue(message.name, message.strength, message.seconds))
        except UsageError as err:
            self.tell(CallError("expression", str(err), warning=True))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
