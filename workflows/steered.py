"""Who asked for a change by an update, and for what: the audit has a line of each (activities/auditing.py)."""

from pydantic import BaseModel
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from speedlead.contracts import Steered

# `reach` is what the corrected row says
_NOT_ASKED = {"by", "reason", "reach"}


def steered(request: BaseModel) -> Steered:
    """Of the update that is being handled. Which client sent it is not told to a workflow."""
    info = workflow.current_update_info()
    assert info is not None
    given = request.model_dump(mode="json", exclude_unset=True)
    return Steered(
        update_id=info.id,
        update=info.name,
        at=workflow.now(),
        by=given.get("by"),
        reason=given.get("reason"),
        asked={name: str(value) for name, value in given.items() if name not in _NOT_ASKED and value is not None},
    )
