"""Every timeout, retry policy and priority, by name, with its reason and what it adds up to."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import Priority, RetryPolicy

LEADS_QUEUE = "leads"  # workflows, acknowledgements, quick activities
# one queue for each limit that a provider sets: mails must not wait at the pace of one sender number
MESSAGES_QUEUE = "messages"  # planned mails
TEXTS_QUEUE = "texts"  # planned SMS
VOICE_QUEUE = "voice"  # calls

_FROM_HERE_ON = timedelta(
    seconds=8
)  # longer than the claim's lease of 7 s, which is longer than the HTTP timeout of 5 s


class ActivityOptions(TypedDict, total=False):
    task_queue: str
    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy
    priority: Priority


# A killed worker costs 8 s, then the retry runs: two losses still fit in 30 s. Postgres or provider down: tried for an
# hour, because a late acknowledgement is better than none.
ACKNOWLEDGE = ActivityOptions(
    task_queue=LEADS_QUEUE,
    start_to_close_timeout=_FROM_HERE_ON,
    schedule_to_close_timeout=timedelta(hours=1),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=15)),
    priority=Priority(priority_key=1),
)

# of the messages that a lead has heard, so many are named when it closes: more do not come while that is under way
HEARD_LAST = 20

# Rows only. Never gives up: Postgres is the record, and a lead waits for it rather than going on without.
ROWS = ActivityOptions(
    task_queue=LEADS_QUEUE,
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
)

# What is known of a lead before it gets an owner. Our own rows answer in milliseconds, the outside source within 2 s;
# a second try when a worker died, and then the lead goes on without: all of it is over after 5 s.
ENRICH = ActivityOptions(
    task_queue=LEADS_QUEUE,
    start_to_close_timeout=timedelta(seconds=3),
    schedule_to_close_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=2),
)

# A model's words: 25 s at most by its own limit, and some rows. A worker that stops gives it 10 s, like all others; a
# second try finds in the turn's row what the first one did. All of it is over after a minute, and the lead goes on.
ASSIST = ActivityOptions(
    task_queue=LEADS_QUEUE,
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=2),
    priority=Priority(priority_key=5),
)

# One request to a mail or SMS provider that refuses safely is tried for half an hour; then the step has failed.
_SEND = ActivityOptions(
    start_to_close_timeout=_FROM_HERE_ON,
    schedule_to_close_timeout=timedelta(minutes=30),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=2)),
)

# A call that is late by more than this is another call: the plan decides again.
_DIAL = ActivityOptions(
    task_queue=VOICE_QUEUE,
    start_to_close_timeout=_FROM_HERE_ON,
    schedule_to_close_timeout=timedelta(minutes=5),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=20)),
)

# whoever moves a lead to another plan is answered within this, also while its loop is busy with something else
PLAN_TAKEN_WITHIN = timedelta(seconds=2)

# routing waits this long for the acknowledgement: many times what it takes, and nothing beside routing's own 10 s
ROUTE_AFTER = timedelta(milliseconds=250)
ACK_IN_DOUBT_AFTER = timedelta(seconds=10)
RECONCILE_AFTER = timedelta(seconds=20)
KEY_PRESS = timedelta(seconds=6)
LEAD_RINGS = timedelta(seconds=25)
CALLBACK_LATE = timedelta(seconds=10)
TALK_AT_MOST = timedelta(hours=1)
CLOSE_AGAIN_AFTER = timedelta(seconds=30)
REPLACE_AFTER = timedelta(hours=24)
MAX_LEVELS = 4
# a call that a rep asked for and that waits for longer rings whoever is there then
CALLER_WAITS = timedelta(minutes=10)

_PRIORITY = {"hot": 2, "warm": 3, "cold": 4}


def lead_priority(lead_type: str, source: str) -> Priority:
    """Acknowledgements are 1; leads of one source cannot starve those of another."""
    return Priority(priority_key=_PRIORITY[lead_type], fairness_key=source[:64])


def queue_of(channel: str) -> str:
    return MESSAGES_QUEUE if channel == "email" else TEXTS_QUEUE


def send(channel: str, lead_type: str) -> ActivityOptions:
    """`lead_type` is the lead's of now: it may have become hotter since it began. The source comes by its workflow."""
    return ActivityOptions(**_SEND, task_queue=queue_of(channel), priority=Priority(priority_key=_PRIORITY[lead_type]))


def dial(lead_type: str) -> ActivityOptions:
    return ActivityOptions(**_DIAL, priority=Priority(priority_key=_PRIORITY[lead_type]))
