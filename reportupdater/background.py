"""Threads of a session's own, beside the one that calls it."""

from __future__ import annotations

import threading
from collections.abc import Callable


def started(target: Callable[..., object], *arguments: object) -> threading.Thread | None:
    """Start a thread that does not keep the process alive; None where no further one can be had."""
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # a limit of the user's, see `ulimit -u`
        return None
    return thread
