"""The leads of the demo: who they are, when their form arrives, what they do, and what their owner logs.

All of them fall into one fortnight without a public holiday, so that every run tells the same stories.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from speedlead.closures import HolidayClosures
from speedlead.demo.moments import Moment
from speedlead.demo.people import answers_mail, logs
from speedlead.demo.world import World
from speedlead.domain.walltime import resolve_wall

SPAN = timedelta(days=17)
COUNTRIES = ("US", "GB", "FR", "DE", "AU", "JP")
_FURTHEST_WEEKS = 80

TUE, WED, SAT = 0, 1, 4
CONSENT = {"consent_call": "true", "consent_sms": "true", "consent_text": "You may call and text me about this."}


@dataclass(frozen=True)
class Story:
    """`day` counts from the demo's Tuesday, `at` is on the lead's own wall clock; `acts`: address -> its behaviour."""

    key: str
    title: str
    zone: str
    day: int
    at: time
    form: dict[str, str]
    acts: dict[str, dict[str, object]] = field(default_factory=dict)
    moments: Callable[[World, "Story", date], tuple[Moment, ...]] = lambda world, story, tuesday: ()

    def begins(self, tuesday: date) -> datetime:
        """The instant of the form, UTC."""
        return instant(tuesday + timedelta(days=self.day), self.at, self.zone)


def instant(day: date, at: time, zone: str) -> datetime:
    return resolve_wall(zone, datetime.combine(day, at)).compatible


def quiet_tuesday(now: datetime, closures: HolidayClosures) -> date:
    """The next Tuesday, three days away at least, that begins a fortnight without holidays in any of the countries."""
    first = now.astimezone(UTC).date() + timedelta(days=3)
    first += timedelta(days=(1 - first.weekday()) % 7)
    closed = frozenset().union(*(closures.closed((country,)) for country in COUNTRIES))
    for week in range(_FURTHEST_WEEKS):
        tuesday = first + timedelta(weeks=week)
        if not any(tuesday <= day <= tuesday + SPAN for day in closed):
            return tuesday
    return first


def _form(name: str, intent: str, country: str, zone: str, message: str, **more: str) -> dict[str, str]:
    return {"name": name, "intent": intent, "country": country, "tz": zone, "message": message, **more}


NEVER_ANSWERS = Story(
    "never_answers",
    "Hot, in business hours, never answers",
    "America/New_York",
    TUE,
    time(10, 0),
    _form("Nora Quinn", "demo_request", "US", "America/New_York", "Can you show me how the routing works?",
          email="nora.quinn@example.com", phone="+12125550123", company="Quinn Freight", **CONSENT),
)  # fmt: skip

AT_NIGHT = Story(
    "at_night",
    "Hot at 23:00: thanked at once, called in the morning",
    "America/Los_Angeles",
    TUE,
    time(23, 0),
    _form("Leo Park", "pricing", "US", "America/Los_Angeles", "What does it cost for twelve people?",
          email="leo.park@example.com", phone="+13105550148", company="Park & Sons", **CONSENT),
)  # fmt: skip

ON_SATURDAY = Story(
    "on_saturday",
    "Warm on Saturday: Monday at ten (French law: 4 calls in 30 days)",
    "Europe/Paris",
    SAT,
    time(11, 20),
    _form("Camille Roux", "content_download", "FR", "Europe/Paris", "Is there a French edition of the guide?",
          email="camille.roux@example.com", phone="+33612345678", company="Atelier Roux", **CONSENT),
)  # fmt: skip

COLD = Story(
    "cold",
    "Cold: a slower rhythm",
    "Australia/Sydney",
    WED,
    time(9, 40),
    _form("Jack Mason", "newsletter", "AU", "Australia/Sydney", "Just reading for now.",
          email="jack.mason@example.com", phone="+61491570156", company="Mason Surf", **CONSENT),
)  # fmt: skip

WITHOUT_PHONE = Story(
    "without_phone",
    "Hot without a phone number: e-mail and a task",
    "Europe/London",
    TUE,
    time(14, 5),
    _form("Priya Shah", "talk_to_sales", "GB", "Europe/London", "Please write to me, I share an office.",
          email="priya.shah@example.com", company="Shah Textiles"),
)  # fmt: skip

WITHOUT_EMAIL = Story(
    "without_email",
    "Hot without an e-mail address: SMS and calls",
    "Asia/Tokyo",
    WED,
    time(10, 30),
    _form("Kenji Sato", "demo_request", "JP", "Asia/Tokyo", "A demo in the afternoon would be good.",
          phone="+819012345678", company="Sato Optics", **CONSENT),
)  # fmt: skip

REPLIES = Story(
    "replies",
    "Answers an e-mail on day 2: the plan stops",
    "Europe/Berlin",
    TUE,
    time(9, 30),
    _form("Lukas Brandt", "demo_request", "DE", "Europe/Berlin", "Does it speak to our CRM?",
          email="lukas.brandt@example.com", phone="+4915228817386", company="Brandt Maschinenbau", **CONSENT),
    moments=lambda world, story, tuesday: (
        Moment("day-2-call", answers_mail(world, story.form["email"], "I missed your call. Could we speak at four?")),
        Moment("reply_received", logs(world, outcome="qualified", note="Spoke at four, wants an offer."), nth=2),
    ),
)  # fmt: skip

OPTS_OUT = Story(
    "opts_out",
    "Opts out by SMS: everything stops",
    "America/Los_Angeles",
    WED,
    time(11, 15),
    _form("Maya Cruz", "demo_request", "US", "America/Los_Angeles", "Looking at three vendors.",
          email="maya.cruz@example.com", phone="+14155550171", company="Cruz Labs", **CONSENT),
    acts={"+14155550171": {"script": [{"on": "sms", "step": "sms-1", "do": "reply",
                                       "text": "Please stop contacting me."}]}},
)  # fmt: skip

BOOKS = Story(
    "books",
    "Answers the second call: a meeting is booked",
    "Europe/London",
    WED,
    time(15, 10),
    _form("Owen Hughes", "talk_to_sales", "GB", "Europe/London", "We need this before the new year.",
          email="owen.hughes@example.com", phone="+442079460958", company="Hughes Joinery", **CONSENT),
    acts={"+442079460958": {"script": [{"on": "call", "step": "call-2", "do": "answer"}]}},
    moments=lambda world, story, tuesday: (
        Moment("waiting_for_outcome", logs(world, outcome="meeting_booked", note="Meeting on Friday at ten.",
                                           at=instant(tuesday + timedelta(days=3), time(10, 0), story.zone))),
        Moment("meeting_booked", logs(world, outcome="converted", note="Signed.")),
    ),
)  # fmt: skip

NO_CONSENT = Story(
    "no_consent",
    "Hot in Germany without consent: no calls",
    "Europe/Berlin",
    WED,
    time(13, 45),
    _form("Jana Weber", "pricing", "DE", "Europe/Berlin", "Bitte ein Angebot per Mail.",
          email="jana.weber@example.com", phone="+4915228895456", company="Weber Bau"),
)  # fmt: skip

STORIES = (NEVER_ANSWERS, AT_NIGHT, REPLIES, BOOKS, OPTS_OUT, WITHOUT_PHONE, WITHOUT_EMAIL, NO_CONSENT, ON_SATURDAY,
           COLD)  # fmt: skip
