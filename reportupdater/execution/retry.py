"""When what has failed is tried again: one policy, for queries and for sending."""

from __future__ import annotations

import random
from dataclasses import dataclass

_STEPS = 32  # from there on every pause is the longest, and no power becomes too large


@dataclass(frozen=True, slots=True)
class Policy:
    """Pauses that grow to a longest one; up to a fifth less by chance, so that clients spread out."""

    first: float = 1.0
    """Seconds before the first retry."""
    factor: float = 4.0
    longest: float = 30.0

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row, of which there is one at least."""
        pause = self.first * self.factor ** min(failures - 1, _STEPS)
        return min(pause, self.longest) * random.uniform(0.8, 1.0)


RETRY = Policy()
