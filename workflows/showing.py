"""What people see of a running lead: search attributes, and what the Temporal UI says of it in words."""

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from speedlead.telling import markdown
    from workflows.state import LeadRun, named
    from workflows.telling import told_by, utc

_STAGE = SearchAttributeKey.for_keyword("LeadStage")
_TYPE = SearchAttributeKey.for_keyword("LeadType")
_OWNER = SearchAttributeKey.for_keyword("LeadOwner")
_NEXT = SearchAttributeKey.for_datetime("NextTouchAt")
_BREACHED = SearchAttributeKey.for_bool("SlaBreached")
_PLAN = SearchAttributeKey.for_keyword("PlanVersion")


class Showing:
    def __init__(self, run: LeadRun) -> None:
        self._run = run

    def show(self, step: str | None, why: str, at: datetime | None = None) -> None:
        """Search attributes (one upsert, only when something differs) and the current details of the Temporal UI."""
        run, lead = self._run, self._run.lead
        run.next_step, run.next_at, run.why = step, at, why
        late = lead.breached(workflow.now()) or bool(run.watch.reported)
        shown = (
            lead.stage.value,
            lead.lead_type,
            lead.owner_id,
            at,
            late,
            named(lead.cadence),
        )
        if shown != run.shown:
            run.shown = shown
            run.changed()  # what is watched depends on what comes next
            updates: list[Any] = [
                _STAGE.value_set(lead.stage.value),
                _TYPE.value_set(lead.lead_type),
                _BREACHED.value_set(late),
                _PLAN.value_set(f"{lead.cadence.id}:{lead.cadence.version}"),
                _NEXT.value_set(at) if at is not None else _NEXT.value_unset(),
            ]
            if lead.owner_id is not None:
                updates.append(_OWNER.value_set(lead.owner_id))
            workflow.upsert_search_attributes(updates)
        self.details()

    def again(self) -> None:
        self.show(self._run.next_step, self._run.why, self._run.next_at)

    def details(self) -> None:
        """The words alone; that is no command, so it may come at any time."""
        workflow.set_current_details(self.explain())

    def explain(self) -> str:
        return markdown(told_by(self._run), self._run.title, utc)

    def timeline(self) -> list[dict[str, Any]]:
        return [
            {"step": step, "state": end.state, "at": end.at, "reason": end.reason}
            for step, end in sorted(self._run.lead.settled.items(), key=lambda item: item[1].at)
        ]
