"""How a request to a running lead can end other than well.

LeadError
├── LeadRefused ....... the lead's workflow, or its record, says no; `reason` is a short code
├── LeadNotFound ...... no workflow of that lead is running
└── LeadUnavailable ... no answer in time: Temporal or the worker is down; asking again is safe
"""


class LeadError(Exception):
    """Base of the three; never raised itself."""


class LeadRefused(LeadError):
    """`field` names what was wrong in the request; None when the request was fine and the lead's state is not."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


class LeadNotFound(LeadError):
    """The lead has ended, or its workflow has not started yet."""


class LeadUnavailable(LeadError):
    """Nobody answered; the request may still be carried out."""
