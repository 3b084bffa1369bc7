"""What servers need to know of offers without the plugin that reads them."""

from __future__ import annotations

import re

_CREDENTIAL = re.compile(r"^a=ice-(ufrag|pwd):(\S+)\s*$", re.MULTILINE)


class OfferRefused(Exception):  # noqa: N818 - what it says
    """One line for the peer. acceptable: False where the SDP is well formed, but not what we can do."""

    def __init__(self, message: str, *, acceptable: bool = True) -> None:
        super().__init__(message)
        self.acceptable = acceptable


def credentials(text: str) -> tuple[str, str]:
    """ice-ufrag and ice-pwd of a description or a fragment, "" where it has none."""
    found = dict(_CREDENTIAL.findall(text))
    return found.get("ufrag", ""), found.get("pwd", "")
