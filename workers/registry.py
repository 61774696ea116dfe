"""What runs where: one list for the worker, the tests and the replayer."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from activities.acceptance import Acceptance
from activities.assisting import Assisting
from activities.dealing import Dealer
from activities.enriching import Enriching
from activities.messaging import Messaging
from activities.notifying import Notifying
from activities.placing import Placing
from activities.records import Records
from activities.routing import Routing
from activities.voice import Voice
from workers.lead_in_logs import LeadInLogs
from workflows.lead import LeadWorkflow
from workflows.options import LEADS_QUEUE, MESSAGES_QUEUE, TEXTS_QUEUE, VOICE_QUEUE

WORKFLOWS: Sequence[type] = (LeadWorkflow,)

# The sandbox loads a workflow's modules anew for every lead: 6 of the 9 ms of a first task, just before the
# acknowledgement. What it guards against is kept elsewhere: tests/architecture forbids clocks, randomness and I/O in
# workflows/ and the domain, no module of theirs keeps state, and tests/replay replays under the whole sandbox.
RUNNER = UnsandboxedWorkflowRunner()


@dataclass(frozen=True)
class Pace:
    """What a provider takes, per second and for all workers together: planned mails, planned texts, calls."""

    mails: float = 100
    texts: float = 100
    calls: float = 100


@dataclass(frozen=True)
class Activities:
    acceptance: Acceptance
    assisting: Assisting
    enriching: Enriching
    messaging: Messaging
    notifying: Notifying
    placing: Placing
    records: Records
    routing: Routing
    voice: Voice
    # runs beside the activities, by itself
    dealer: Dealer

    def by_queue(self) -> dict[str, list[Callable[..., Any]]]:
        return {
            LEADS_QUEUE: [
                self.messaging.acknowledge,
                self.messaging.reconcile,
                self.notifying.notify,
                self.placing.place,
                self.records.record,
                self.records.skip_steps,
                self.records.show_wait,
                self.records.load_plan,
                self.records.take_plan,
                self.records.close,
                self.records.owner,
                self.enriching.enrich_lead,
                self.routing.route,
                self.routing.reassign,
                self.acceptance.accept,
                self.acceptance.escalate,
                self.acceptance.breach,
                self.assisting.assistant_turn,
                self.voice.call_off,
                self.voice.check_call,
                self.voice.settle_task,
            ],
            MESSAGES_QUEUE: [self.messaging.send],
            TEXTS_QUEUE: [self.messaging.send],
            VOICE_QUEUE: [self.voice.dial],
        }


QUEUES = (LEADS_QUEUE, MESSAGES_QUEUE, TEXTS_QUEUE, VOICE_QUEUE)


def build_workers(
    client: Client,
    activities: Activities,
    *,
    slots: int = 100,
    pace: Pace = Pace(),
    queues: Collection[str] = QUEUES,
    deployment: WorkerDeploymentConfig | None = None,
) -> list[Worker]:
    """One worker per task queue. The server holds the pace: what is ready waits there, hot leads first.

    `deployment`: which version of the code this is; without one every worker may get every lead.
    """
    limits = {MESSAGES_QUEUE: pace.mails, TEXTS_QUEUE: pace.texts, VOICE_QUEUE: pace.calls}
    return [
        Worker(
            client,
            task_queue=queue,
            workflows=list(WORKFLOWS) if queue == LEADS_QUEUE else [],
            workflow_runner=RUNNER,
            activities=functions,
            interceptors=[LeadInLogs()],
            max_concurrent_activities=slots,
            # the acknowledgement is handed over with the answer; routing comes by the queue and does not run beside it
            max_eager_activity_reservations_per_workflow_task=1,
            max_task_queue_activities_per_second=limits.get(queue),
            # a killed worker holds its leads' next tasks no longer than this (10 s by default)
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
            # as long as the longest start-to-close time of workflows/options.py: a stop cuts nothing short
            graceful_shutdown_timeout=timedelta(seconds=10),
            max_cached_workflows=2000,
            deployment_config=deployment,
        )
        for queue, functions in activities.by_queue().items()
        if queue in queues
    ]
