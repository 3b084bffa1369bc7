"""POST /api/sessions/NAME/expression: what a face shows, whoever speaks; for the buttons of pages, and for programs."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from txt2vid.core.checks import WireError, decoded_as
from txt2vid.core.expressions import Cue, cue
from txt2vid.core.tasks import within
from txt2vid.core.wire import Expression
from txt2vid.errors import UsageError
from txt2vid.server import limits
from txt2vid.server.bodies import JSON, Answer, text_of
from txt2vid.server.seat import Refused


async def asked_for(request: Request) -> Cue:
    """The expression in a request's body. Raises Answer, or Refused "protocol" or "expression"."""
    try:
        text = await within(text_of(request, JSON, limits.EXPRESSION_BYTES), limits.HELLO_SECONDS)
        wanted = decoded_as(text, Expression, "the body")
        return cue(wanted.name, wanted.strength, wanted.seconds)
    except asyncio.TimeoutError as err:
        raise Answer(408, f"the body did not come within {limits.HELLO_SECONDS:g} s") from err
    except WireError as err:
        raise Refused(
            "protocol", f'{err}: send {{"name": "joy", "strength": 1, "seconds": 3}}, or the name alone'
        ) from err
    except UsageError as err:
        raise Refused("expression", str(err)) from err
