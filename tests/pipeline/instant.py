"""The thread that speaks texts, in tests without a wall clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor


class Instant(ThreadPoolExecutor):
    """A thread that is waited for, so that nothing depends on its speed."""

    def submit(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        future = super().submit(*args, **kwargs)
        future.exception()
        return future
