"""What another estimator says of the same configuration, in a process of its own; never a requirement."""

from __future__ import annotations


class Unanswered(Exception):
    """There is no second opinion, and the message says why. It ends in a note, never in a failure of the estimate."""
