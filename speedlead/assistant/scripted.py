"""A model that says what stands in a file: to try the house's own words and checks without an account."""

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from speedlead.assistant.factbook import FactsError
from speedlead.assistant.turn import Proposed, Usage
from speedlead.checked_yaml import FileFault, read_text
from speedlead.domain.assistant import Proposal


class Scripted:
    """One proposal as JSON in each line, in turn. Raises FactsError."""

    name = "scripted"

    def __init__(self, file: Path) -> None:
        self._proposals: list[Proposal] = []
        try:
            lines = read_text(file).splitlines()
        except FileFault as fault:
            raise FactsError(str(fault)) from None
        for number, line in enumerate(lines, 1):
            try:
                self._proposals.append(Proposal.model_validate_json(line))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"])) or "proposal"
                raise FactsError(f"{file}:{number}: {where}: {first['msg']}") from None

    async def propose(self, instructions: str, conversation: str, refuse: Callable[[Proposal], str | None]) -> Proposed:
        if not self._proposals:
            return Proposed(None, Usage(self.name), "model_nonsense")
        return Proposed(self._proposals.pop(0), Usage(self.name, requests=1))
