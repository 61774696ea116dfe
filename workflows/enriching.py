"""What is known of a lead is looked up before it gets an owner, for 5 s at most: then it goes on without."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as TooSlow

with workflow.unsafe.imports_passed_through():
    from activities.enriching import Enriching
    from speedlead import contracts as c
    from workflows import options
    from workflows.state import LeadRun


async def enrich(run: LeadRun) -> None:
    """Once for each round, and again for the form that makes the lead hotter while it is being looked up."""
    while run.lead.opened is None and run.enriched != run.lead.round and workflow.patched("enriched-before-assignment"):
        run.enriched = run.lead.round
        request = c.EnrichRequest(lead_id=run.lead.lead_id, lead_type=run.lead.lead_type)
        try:
            await workflow.execute_activity_method(
                Enriching.enrich_lead, request, summary=f"look up · {run.title}", **options.ENRICH
            )
        except ActivityError as error:
            # the server's word for it, or the activity's own
            own = isinstance(error.cause, ApplicationError) and error.cause.type == TimeoutError.__name__
            reason = "lookup_slow" if own or isinstance(error.cause, TooSlow) else "lookup_failed"
            run.note("not_enriched", reason=reason, key=f"not_enriched:{run.lead.round}")
