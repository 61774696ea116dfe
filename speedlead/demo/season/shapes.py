"""What a believable season looks like, as data: who writes, when, from where, how fast we are and what comes of it.

House estimates, but for the lead types, targets and steps, which are the default plan's. Weights need no sum.
"""

from dataclasses import dataclass
from datetime import timedelta

TYPES = {"hot": 34, "warm": 36, "cold": 30}
INTENTS = {
    "hot": {"demo_request": 40, "pricing": 30, "talk_to_sales": 20, "cart_abandoned": 10},
    "warm": {"content_download": 60, "webinar": 30, "phone_call": 10},
    "cold": {"newsletter": 55, "research": 30, "other": 15},
}
SOURCES = {"organic": 30, "paid_ads": 28, "referral": 14, "webinar": 11, "partner": 10, "trade_show": 7}
CHANNELS = {"form": 66, "chat": 13, "email": 8, "phone": 7, "messenger": 6}
SEGMENTS: dict[str | None, int] = {
    "b2b_saas": 38, "b2c_ecommerce": 24, "enterprise": 14, "enterprise_named": 4, None: 20,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """`phone`: the start of a number from a range that is kept for fiction; `digits` more follow."""

    country: str
    region: str | None
    zone: str
    phone: str
    digits: int


PLACES = {
    Place("US", "US-NY", "America/New_York", "+1212555", 4): 22,
    Place("US", "US-CA", "America/Los_Angeles", "+1310555", 4): 18,
    Place("US", "US-TX", "America/Chicago", "+1512555", 4): 13,
    Place("US", "US-IL", "America/Chicago", "+1312555", 4): 8,
    Place("CA", "CA-ON", "America/Toronto", "+1416555", 4): 6,
    Place("GB", None, "Europe/London", "+447700900", 3): 11,
    Place("DE", None, "Europe/Berlin", "+4915112345", 3): 9,
    Place("FR", None, "Europe/Paris", "+3363998", 4): 6,
    Place("AU", None, "Australia/Sydney", "+61491570", 3): 4,
    Place("IN", None, "Asia/Kolkata", "+9198765", 5): 3,
}
# forms by hour of the sender's day and by weekday, Monday first
HOURS = (1, 1, 1, 1, 1, 2, 3, 5, 8, 12, 14, 13, 11, 12, 13, 12, 11, 9, 7, 6, 6, 5, 3, 2)
WEEKDAYS = (20, 21, 20, 19, 15, 6, 5)
GROWTH = 0.35  # so much more leads a day at the end of the season than at its beginning

OPENS, CLOSES = 9, 18
# minutes: the plan's target of the first attempt, and the median of what is really needed
TARGET_MIN = {"hot": 3.0, "warm": 15.0, "cold": 240.0}
ASSIGN_MIN = {"hot": 0.5, "warm": 2.0, "cold": 15.0}
SOURCE_TARGET_MIN = {"paid_ads": 3.0, "organic": 10.0, "referral": 30.0}
MEDIAN_MIN = {"hot": 0.9, "warm": 3.4, "cold": 62.0}
TARGET_SHARE = 0.33  # of a target, so long the median is at most
SPREAD = 0.42  # of the logarithm of the minutes
STUCK = 0.045  # nobody there, away, phones that ring too long: those take STUCK_TIMES as long
STUCK_TIMES = (4.0, 45.0)
SLOW_PHASES = ("acceptance", "rang_too_long", "nobody_there", "own_work")
BUSY_HOURS = {10: 1.35, 11: 1.3, 14: 1.2, 15: 1.2}
# the plan of the first part of the season was slower: a change of plan that a before and after should show
OLD_PLAN_UNTIL, OLD_PLAN_TIMES = 0.45, 1.45

# step, channel, by when after the first attempt; days are working days at an hour of the slot
STEPS: dict[str, tuple[tuple[str, str, timedelta], ...]] = {
    "hot": (
        ("call-1", "call", timedelta(0)), ("call-2", "call", timedelta(minutes=7)),
        ("call-3", "call", timedelta(minutes=27)), ("email-1", "email", timedelta(minutes=29)),
        ("sms-1", "sms", timedelta(minutes=39)), ("call-4", "call", timedelta(hours=4)),
        ("day-2-call", "call", timedelta(days=1)), ("day-3-email", "email", timedelta(days=2)),
        ("day-4-call", "call", timedelta(days=3)), ("day-5-email", "email", timedelta(days=4)),
        ("day-6-call", "call", timedelta(days=5)), ("day-7-email", "email", timedelta(days=6)),
    ),
    "warm": (
        ("call-1", "call", timedelta(0)), ("email-1", "email", timedelta(minutes=30)),
        ("call-2", "call", timedelta(hours=4)), ("sms-1", "sms", timedelta(hours=4, minutes=10)),
        ("day-2-call", "call", timedelta(days=1)), ("day-3-email", "email", timedelta(days=2)),
        ("day-4-call", "call", timedelta(days=3)), ("day-5-email", "email", timedelta(days=4)),
        ("day-7-email", "email", timedelta(days=6)),
    ),
    "cold": (
        ("email-1", "email", timedelta(0)), ("day-2-call", "call", timedelta(days=1)),
        ("day-4-email", "email", timedelta(days=3)), ("day-7-call", "call", timedelta(days=6)),
        ("day-11-email", "email", timedelta(days=10)),
    ),
}  # fmt: skip
PICKS_UP = {"hot": 0.36, "warm": 0.27, "cold": 0.17}  # the first call; each later one finds fewer
NEXT_CALL = 0.8
QUICK_PICKS_UP = 1.35  # times, when the first call comes within five minutes of the form
WRITES_BACK = 0.035
# of those who were spoken to: how many buy, by minutes from the form to the first attempt
CONVERTS = ((5.0, 0.30), (15.0, 0.21), (60.0, 0.15), (float("inf"), 0.09))
TYPE_CONVERTS = {"hot": 1.25, "warm": 0.9, "cold": 0.45}
SOURCE_CONVERTS = {"referral": 1.4, "paid_ads": 0.85}
# and what becomes of the others
OTHERWISE = {"qualified": 26, "unqualified": 30, "not_interested": 24, "not_now": 10, "do_not_contact": 2,
             "callback_requested": 8}  # fmt: skip

EXPERIMENT = """
id: short-first-mail
title: A shorter first mail to hot leads
segment: {lead_type: hot}
arms: [{key: control, share: 50}, {key: short, share: 50, changes: {hot.email-1.template: useful}}]
question:
  {metric: converted, within: 30d, usual: 6%, effect: 2%, guardrails: {opt_out: 1%, breach: 2%, complaint: 0.5%}}
"""

FIRST_NAMES = (
    "Ava", "Ben", "Chloé", "Deepa", "Emil", "Fatima", "George", "Hana", "Ivan", "Jonas", "Kenji", "Lena", "Maya",
    "Noor", "Olga", "Priya", "Quinn", "Rosa", "Sven", "Tariq", "Uma", "Vera", "Will", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Adler", "Brandt", "Carter", "Diaz", "Evans", "Fischer", "Gupta", "Haddad", "Ito", "Jensen", "Kim", "Larsen",
    "Moreau", "Novak", "Okafor", "Park", "Rao", "Shah", "Tremblay", "Usman", "Weiss", "Young",
)  # fmt: skip
COMPANIES = (
    "Freight", "Optics", "Robotics", "Foods", "Legal", "Textiles", "Energy", "Labs", "Travel", "Media",
)  # fmt: skip
TEAM = (
    "Sam Reyes", "Dana Kim", "Alex Novak", "Mia Torres", "Noah Brandt", "Iris Weiss", "Omar Haddad", "Lucy Evans",
    "Theo Larsen", "Nina Park", "Raj Gupta", "Eva Moreau", "Finn Jensen", "Sara Okafor", "Leo Diaz", "Ida Fischer",
)  # fmt: skip
LEADS_A_REP_AND_DAY = 26
