"""Who may do what, as data: role -> permissions, route -> permission. A route without a row stops the start.

`docs/security.md` says the same in words.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here; the words after the names are REQ 151's."""

    REP = "rep"
    MANAGER = "manager"
    OPS = "ops"
    MARKETING = "marketing"  # thresholds and sources
    ANALYST = "analyst"  # reads, changes nothing
    SUPPORT = "support"  # after conversion
    ADMIN = "admin"


class May(StrEnum):
    OWN_ACCOUNT = "own_account"
    READ_LEADS = "read_leads"
    WORK_LEADS = "work_leads"  # log, write, accept, pause, call: what an owner does
    STEER_LEADS = "steer_leads"  # give to somebody else, correct, change the plan
    WORK_QUEUE = "work_queue"  # the page of a rep
    CHOOSE_REP = "choose_rep"  # look at, and work for, another rep
    STEER_DUTIES = "steer_duties"  # who steps in on call
    MOVE_CAPACITY = "move_capacity"  # who gets how many leads
    MANAGE_PEOPLE = "manage_people"  # hours, time off, skills, calendars of our people
    READ_ALL = "read_all"  # the table of leads
    READ_NUMBERS = "read_numbers"  # the figures of the house; a rep: the own ones
    READ_MONEY = "read_money"  # what leads bring and cost
    RUN_HOUSE = "run_house"  # what operations were told, counters
    READ_PLAN = "read_plan"
    EDIT_TARGETS = "edit_targets"  # thresholds and sources of a draft
    PUBLISH_PLANS = "publish_plans"  # write drafts, publish them, move open leads to another version
    READ_EXPERIMENTS = "read_experiments"  # not for reps: who knows the arm of a lead may treat it differently
    RUN_EXPERIMENTS = "run_experiments"  # start, stop, roll out
    ASK_WHAT_IF = "ask_what_if"  # play past leads under another plan, or with other people: changes nothing
    SEE_QUALITY = "see_quality"  # reviews of contacts; a rep: of the own ones
    REVIEW_QUALITY = "review_quality"  # review the contacts that were drawn
    READ_REVIEW = "read_review"  # the weekly review and the goals of the house
    SET_GOALS = "set_goals"
    READ_AUDIT = "read_audit"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_HOOKS = "manage_hooks"  # which systems are told of leads, and what
    MERGE_PEOPLE = "merge_people"  # two entries become one person, and two again
    ERASE = "erase"  # everything about a person: give it out, and erase it


class Leads(StrEnum):
    """Which leads somebody meets at all; for all others the answer is that there is no such lead."""

    ALL = "all"
    OWN = "own"  # those of the own rep, nobody's, and those that are offered to this rep
    CONVERTED = "converted"
    NONE = "none"


_READS = {May.OWN_ACCOUNT, May.READ_LEADS, May.READ_ALL, May.READ_NUMBERS, May.READ_PLAN}
_WORKS = {
    May.OWN_ACCOUNT,
    May.READ_LEADS,
    May.WORK_LEADS,
    May.WORK_QUEUE,
    May.READ_NUMBERS,
    May.READ_PLAN,
    May.SEE_QUALITY,
}
_LEADS_TEAM = _WORKS | {
    May.READ_ALL,
    May.STEER_LEADS,
    May.CHOOSE_REP,
    May.MOVE_CAPACITY,
    May.STEER_DUTIES,
    May.MANAGE_PEOPLE,
    May.READ_EXPERIMENTS,
    May.RUN_EXPERIMENTS,
    May.READ_MONEY,
    May.READ_REVIEW,
    May.SET_GOALS,
    May.ASK_WHAT_IF,
    May.REVIEW_QUALITY,
}

GRANTS: dict[Role, frozenset[May]] = {
    Role.REP: frozenset(_WORKS),
    Role.MANAGER: frozenset(_LEADS_TEAM),
    Role.OPS: frozenset(
        _LEADS_TEAM
        | {
            May.EDIT_TARGETS,
            May.PUBLISH_PLANS,
            May.RUN_HOUSE,
            May.READ_AUDIT,
            May.ERASE,
            May.MERGE_PEOPLE,
            May.MANAGE_HOOKS,
        }
    ),
    # thresholds and sources need nobody's name or number
    Role.MARKETING: frozenset(
        {
            May.OWN_ACCOUNT,
            May.READ_NUMBERS,
            May.READ_MONEY,
            May.READ_PLAN,
            May.EDIT_TARGETS,
            May.READ_EXPERIMENTS,
            May.READ_REVIEW,
        }
    ),
    Role.ANALYST: frozenset(_READS | {May.READ_MONEY, May.READ_EXPERIMENTS, May.ASK_WHAT_IF, May.READ_REVIEW}),
    # an owner of customers, whose plan is tasks (docs/nurture.md)
    Role.SUPPORT: frozenset(_READS - {May.READ_PLAN} | {May.WORK_LEADS}),
    Role.ADMIN: frozenset(May),
}

LEADS: dict[Role, Leads] = {
    Role.REP: Leads.OWN,
    Role.MANAGER: Leads.ALL,
    Role.OPS: Leads.ALL,
    Role.MARKETING: Leads.NONE,
    Role.ANALYST: Leads.ALL,
    Role.SUPPORT: Leads.CONVERTED,
    Role.ADMIN: Leads.ALL,
}


@dataclass(frozen=True, slots=True)
class Door:
    """How a route is opened: by everybody (`why` says what guards it instead), by a person, by the API key.

    `lead` is the query field that may name a lead; a `{lead_id}` of the path always does.
    """

    may: May | None = None
    key: bool = False
    why: str = ""
    lead: str | None = None


def _open(why: str) -> Door:
    return Door(why=why)


_SIGNED = _open("the provider's signature")
_SIGN_IN = _open("it is the way in")
_READ, _WORK, _STEER = (Door(may, key=True) for may in (May.READ_LEADS, May.WORK_LEADS, May.STEER_LEADS))
_OWN, _PEOPLE = Door(May.OWN_ACCOUNT), Door(May.MANAGE_ACCOUNTS)

# "METHOD path" -> door; HEAD is GET's, and /* stands for every path of a folder that one guard stands before
ROUTES: dict[str, Door] = {
    "GET /healthz": _open("says only that the process lives"),
    "GET /readyz": _open("says only which parts answer"),
    "GET /metrics": Door(May.RUN_HOUSE, key=True),
    "GET /api/openapi.json": Door(May.OWN_ACCOUNT, key=True),
    "GET /static": _open("nothing of anybody's"),
    # leads and providers
    "POST /f/{form_key}": _open("limits"),
    "OPTIONS /f/{form_key}": _open("says which sites may ask"),
    **{f"{method} /chat/{{token}}": _open("a signed token, and limits") for method in ("GET", "POST", "OPTIONS")},
    "GET /widget.js": _open("nothing of anybody's"),
    "GET /widget/{name}": _open("nothing of anybody's"),
    "GET /form": _open("the form itself"),
    "GET /u/{token}": _open("a signed token"),
    "POST /u/{token}": _open("a signed token"),
    **{f"{method} /feedback/{{token}}/{{step}}": _open("a signed token, and limits") for method in ("GET", "POST")},
    **{f"{method} /book/{path}": _open("a signed token, and limits") for method, path in (
        ("GET", "{token}"), ("POST", "{token}"), ("GET", "form/{token}"), ("POST", "form/{token}"),
        ("GET", "meeting/{token}"), ("POST", "meeting/{token}"), ("GET", "meeting/{token}/invite.ics"))},
    "POST /webhooks/twilio/*": _SIGNED,
    "POST /webhooks/sendgrid/*": _SIGNED,
    "POST /webhooks/calcom/*": _SIGNED,
    "POST /webhooks/calendly/*": _SIGNED,
    "POST /in/{mapping}": _open("the sender's signature, as its mapping says"),
    # the API: machines by key, people by their session
    "POST /api/leads": Door(key=True),
    "GET /api/leads": Door(May.READ_LEADS, key=True),
    **{f"GET /api/leads/{{lead_id}}{path}": _READ for path in ("", "/timeline", "/explain", "/messages")},
    **{f"POST /api/leads/{{lead_id}}/{name}": _WORK for name in (
        "outcomes", "messages", "accept", "decline", "pause", "resume", "skip", "call_now", "stop")},
    **{f"POST /api/leads/{{lead_id}}/{name}": _STEER for name in ("reassign", "correct", "change_plan")},
    # pages
    "GET /": _OWN,
    "GET /rep": Door(May.WORK_QUEUE),
    **{f"GET /rep/{part}": Door(May.WORK_QUEUE) for part in ("queue", "speed", "events")},
    **{f"GET /rep/leads/{{lead_id}}{path}": Door(May.WORK_QUEUE) for path in ("", "/live", "/callback")},
    "POST /rep/choose": Door(May.CHOOSE_REP),
    "POST /rep/presence": Door(May.WORK_QUEUE),
    **{f"{method} /people{path}": Door(May.MANAGE_PEOPLE) for method, path in (
        ("GET", ""), ("GET", "/add"), ("POST", "/add"), ("GET", "/{rep_id}"), ("POST", "/{rep_id}"),
        ("GET", "/{rep_id}/hand-over"), ("POST", "/{rep_id}/hand-over"))},
    "POST /rep/notices/{notice_id}/seen": Door(May.WORK_QUEUE),
    **{f"GET /ops{path}": Door(May.READ_NUMBERS) for path in ("", "/figures", "/events", "/csv/{name}")},
    "GET /ops/leads": Door(May.READ_ALL),
    "GET /ops/table": Door(May.READ_ALL),
    "POST /ops/notices/{notice_id}/seen": Door(May.RUN_HOUSE),
    **{f"{method} /ops/steer{path}": Door(May.STEER_LEADS) for method, path in (
        ("GET", ""), ("POST", ""), ("GET", "/{run_id}"), ("GET", "/{run_id}/live"), ("POST", "/{run_id}/hold"),
        ("POST", "/{run_id}/go-on"))},
    **{f"GET /leads/{{lead_id}}{path}": Door(May.READ_LEADS) for path in ("", "/live", "/script", "/script/panel")},
    "POST /leads/{lead_id}/script/{question_id}": Door(May.WORK_LEADS),
    "POST /leads/{lead_id}/facts/{name}/wrong": Door(May.WORK_LEADS),
    "GET /scores": Door(May.READ_EXPERIMENTS),
    "GET /scores/rules.csv": Door(May.READ_EXPERIMENTS),
    **{f"POST /leads/{{lead_id}}/{name}": Door(May.WORK_LEADS) for name in (
        "outcome", "answer", "no-show", "opt-out", "ai-voice-end", "{action}")},
    **{f"POST /leads/{{lead_id}}/{name}": Door(May.STEER_LEADS) for name in ("reassign", "change_plan", "correct")},
    **{f"{method} /hygiene{path}": Door(May.STEER_LEADS) for method, path in (
        ("GET", ""), ("GET", "/csv/{name}"), ("GET", "/{kind}"), ("POST", "/look"), ("POST", "/{finding_id}/aside"),
        ("POST", "/{finding_id}/back"), ("POST", "/repairs/{repair_id}/undo"))},
    **{f"GET /hooks{path}": Door(May.MANAGE_HOOKS) for path in ("", "/add", "/{hook_id}")},
    **{f"POST /hooks/{path}": Door(May.MANAGE_HOOKS) for path in (
        "add", "{hook_id}", *(f"{{hook_id}}/{name}" for name in ("rotate", "test", "replay", "switch", "remove")))},
    **{f"GET /mappings{path}": Door(May.MANAGE_HOOKS) for path in ("", "/{mapping}")},
    **{f"POST /mappings/{{mapping}}/{name}": Door(May.MANAGE_HOOKS) for name in ("try", "replay")},
    "GET /oncall": Door(May.WORK_QUEUE),
    "POST /oncall": Door(May.STEER_DUTIES),
    "POST /oncall/remove": Door(May.STEER_DUTIES),
    "GET /capacity": Door(May.MOVE_CAPACITY),
    "POST /capacity/{rep_id}": Door(May.MOVE_CAPACITY),
    "POST /capacity/changes/{change_id}/revert": Door(May.MOVE_CAPACITY),
    # from a notification: accept and call
    **{f"{method} /n/{{token}}": _open("a signed token that opens one lead, once") for method in ("GET", "POST")},
    **{f"{method} /leads/{{lead_id}}/take": Door(May.WORK_LEADS) for method in ("GET", "POST")},
    "GET /plans": Door(May.READ_PLAN),
    "GET /plans/preview": Door(May.READ_PLAN),
    "GET /plans/drafts/{draft_id}": Door(May.READ_PLAN),
    "POST /plans/drafts": Door(May.EDIT_TARGETS),
    "POST /plans/drafts/{draft_id}/targets": Door(May.EDIT_TARGETS),
    **{f"POST /plans/{path}": Door(May.PUBLISH_PLANS) for path in (
        "drafts/{draft_id}", "drafts/{draft_id}/publish", "use", "migrate")},
    "GET /plans/migrate": Door(May.PUBLISH_PLANS),
    **{f"GET /experiments{path}": Door(May.READ_EXPERIMENTS) for path in ("", "/{experiment_id}")},
    **{f"POST /experiments{path}": Door(May.RUN_EXPERIMENTS) for path in (
        "", "/roll-outs/new", "/{experiment_id}", *(f"/{{experiment_id}}/{do}" for do in (
            "copy", "start", "stop", "roll-out", "share", "adopt")))},
    "GET /templates/preview": Door(May.READ_PLAN, lead="lead"),
    # signing in, and who may
    "GET /sign-in": _SIGN_IN,
    "POST /sign-in": _SIGN_IN,
    "GET /sign-in/company": _SIGN_IN,
    "GET /sign-in/company/back": _open("a state of ours, once, and the company's signature"),
    "GET /sign-in/link/{token}": _SIGN_IN,
    "POST /sign-in/link/{token}": _SIGN_IN,
    "POST /sign-out": _OWN,
    "POST /sign-out/everywhere": _OWN,
    "GET /account": _OWN,
    "POST /account/password": _OWN,
    "POST /account/review": _OWN,
    "GET /account/notifications": _OWN,
    **{f"POST /account/notifications{path}": _OWN for path in ("", "/devices", "/devices/{device_id}/remove", "/test")},
    "GET /accounts": _PEOPLE,
    "POST /accounts": _PEOPLE,
    **{f"POST /accounts/{{account_id}}/{name}": _PEOPLE for name in ("role", "active", "link", "sign-out")},
    "GET /audit": Door(May.READ_AUDIT),
    **{f"{method} /codec/{name}": _open("the Temporal UI's origin, and a session or key") for method in (
        "POST", "OPTIONS") for name in ("decode", "encode")},
    **{f"{method} /leads/{{lead_id}}/erase": Door(May.ERASE) for method in ("GET", "POST")},
    "GET /leads/{lead_id}/export": Door(May.ERASE),
    "GET /audit-report": Door(May.RUN_HOUSE),
    "GET /duplicates": Door(May.MERGE_PEOPLE),
    **{f"POST /duplicates/{{lead_id}}/{name}": Door(May.MERGE_PEOPLE) for name in ("merge", "dismiss", "undo")},
    **{f"POST /duplicates/companies/{name}": Door(May.MERGE_PEOPLE) for name in ("join", "part")},
    "GET /roi": Door(May.READ_MONEY),
    **{f"GET /scenarios{path}": Door(May.READ_MONEY) for path in ("", "/csv/{row}")},
    **{f"GET /review{path}": Door(May.READ_REVIEW) for path in ("", "/goals", "/{week}")},
    "POST /review/goals": Door(May.SET_GOALS),
    "POST /review/goals/{aim}/end": Door(May.SET_GOALS),
    "GET /quality": Door(May.SEE_QUALITY),
    "GET /quality/{pick_id}": Door(May.SEE_QUALITY),
    "POST /quality/{pick_id}": Door(May.REVIEW_QUALITY),
    **{f"{method} /whatif{path}": Door(May.ASK_WHAT_IF) for method, path in (
        ("GET", ""), ("POST", ""), ("GET", "/{run_id}"), ("GET", "/{run_id}/live"), ("POST", "/{run_id}/cancel"),
        ("GET", "/{run_id}/csv/{name}"))},
    "GET /start": _OWN,
}  # fmt: skip


def door(method: str, path: str) -> Door:
    """Raises LookupError when the table has no row for the route."""
    asked = f"{'GET' if method == 'HEAD' else method} {path}"
    folder = "/".join(asked.split("/")[:3]) + "/*"
    found = ROUTES.get(asked) or ROUTES.get(folder)
    if found is None:
        raise LookupError(f"{asked}: expected a row in {__name__}.ROUTES that says who may use it")
    return found
