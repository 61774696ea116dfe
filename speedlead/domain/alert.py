"""What somebody of ours is told, as every channel gets it; each channel lays it out in its own way."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alert:
    """`facts`: (name, value) such as ("Company", "Example GmbH"), the most important first. `said`: the lead's words.

    Everything in `facts` and `said` may come from a stranger: a channel shows it as plain text. `key`: the
    notification.
    """

    key: str
    title: str
    facts: tuple[tuple[str, str], ...]
    said: str | None
    url: str
    button: str
    urgent: bool

    @property
    def line(self) -> str:
        """The whole in one line, for channels without room: 'Please call this lead: Ada, Example GmbH, +1…'."""
        who = ", ".join(value for name, value in self.facts if name in ("Name", "Company", "Phone", "By"))
        return f"{self.title}: {who}" if who else self.title


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
