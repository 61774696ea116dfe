"""Is a process fit for its work, by its parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ready:
    """A part that is not ready says why. One may be ready and still say something: it is degraded, and goes on."""

    parts: Mapping[str, bool]
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(self.parts.values())

    def said(self) -> dict[str, object]:
        """The body of `/readyz`."""
        degraded = [name for name in self.why if self.parts.get(name, True)]
        return (
            {"ready": self.ok, "parts": dict(self.parts)}
            | ({"why": dict(self.why)} if self.why else {})
            | ({"degraded": degraded} if degraded else {})
        )
