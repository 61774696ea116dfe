"""Where personal data of leads is, column by column, as data: erasure, export and retention all read this one list.

A test compares it with the tables that are really there: a new column has to be put somewhere here.
"""

from dataclasses import dataclass, field
from typing import Literal

Fate = Literal["delete", "blank", "keep", "ours"]

# $1: ids of people; $2: ids of their leads; $3: their addresses and numbers, and the ids of the leads, as text
PERSON = "{} = any($1::uuid[])"
LEAD = "{} = any($2::uuid[])"
TOUCH = "{} in (select id from touch where lead_id = any($2::uuid[]))"
# a mail's own id, which names its sender's host, is the key of what reported it
EVENTS = (
    f"({TOUCH.format('touch_id')} or key in "  # noqa: S608
    "(select left('inbound:' || provider_id, 300) from reply where lead_id = any($2::uuid[])))"
)
THEIR_OWN = (
    "(person_id = any($1::uuid[]) or lead_id = any($2::uuid[]) or lead_id is null and lower(sender) = any($3::text[]))"
)

# codes of ours stay, for counting; whatever a person typed in their place goes
CODE = "case when {0} ~ '^[a-z0-9_]{{1,40}}$' or {0} is null then {0} else 'erased' end"


@dataclass(frozen=True)
class Table:
    """`keep`: columns that name nobody. `blank`: column -> SQL of what stays there. `where` finds a person's rows.

    fate: `delete` the rows; `blank` some columns; `keep` all; `ours`: it is about our people or our machines.
    `title`: over the rows in an export; a table without one is no part of it. `private`: columns no export has.
    """

    name: str
    fate: Fate
    where: str = ""
    title: str = ""
    keep: str = ""
    blank: dict[str, str] = field(default_factory=dict)
    private: str = ""

    @property
    def columns(self) -> set[str]:
        return {*self.keep.split(), *self.blank}


def _code(*columns: str) -> dict[str, str]:
    return {column: CODE.format(column) for column in columns}


def _null(columns: str) -> dict[str, str]:
    return dict.fromkeys(columns.split(), "null")


# what reports keep of each lead
_FACT = (
    "lead_id rep_id created_at clock_offset lead_type intent source segment channel country region "
    "plan_id plan_version plan target cover is_open acknowledgement_s assignment_s acceptance_s "
    "first_attempt_s first_attempt_open_s first_contact_s first_contact_open_s qualification_s decision_s "
    "handling_s conversion_s cycle_s repeat_cycle_s reaction_s acknowledgement_in_time "
    "acknowledgement_due assignment_in_time assignment_due hot_in_time hot_due first_attempt_in_time "
    "first_attempt_judged response_bucket booked qualified touches calls touches_48h calls_48h "
    "unreached_48h given_up call_contacts skips promised kept promise_due late_s email_given email_works "
    "phone_given phone_works valid joined known_person possible_duplicate closed_hours_s owner_s taking_s "
    "trying_s contact_s judging_s sale_s acknowledgement_from closed_hours_from owner_from taking_from "
    "trying_from contact_from judging_from sale_from variants "
    "breaches texts said_fast said_helpful said_more"
)

# What is still to be acted on may speak of others too. What another system told of this person alone, and what waits
# for a lead of theirs, goes: other people would be named by an address, a number or a second id of a system.
_WEBHOOKS = """about && ($3::text[] || array(select system || ':' || external_id from external_ref
        where lead_id = any($2::uuid[])))
    and (state <> 'waiting' or provider = 'mapping'
        and not exists (select from unnest(about) a where (a like '%@%' or a like '+%') and a <> all($3::text[]))
        and (select count(*) from unnest(about) a where a not like '%@%' and a like '%:%') <= 1)"""

# in the order in which rows can go: what points to others first
TABLES: tuple[Table, ...] = (
    Table("provider_event", "delete", EVENTS, "What our providers reported",
          "provider key kind touch_id payload received_wall"),
    Table("assistant_turn", "delete", LEAD.format("lead_id"), "What our automatic assistant did",
          "reply_id lead_id number at wall act reason detail answer_id question offered model tokens_in tokens_out "
          "cost ms", private="detail"),
    Table("answer", "delete", LEAD.format("lead_id"), "What we wrote to you",
          "id lead_id number rep_id channel subject body reply_id written_at shown_wall mail_wall assistant"),
    Table("reply", "delete", THEIR_OWN, "What you wrote to us",
          "id lead_id person_id channel automatic subject body provider_id received_at due_at answered_at answered_by "
          "sender inquiry_id"),
    Table("chat", "delete", "inquiry_id in (select id from inquiry where person_id = any($1::uuid[]))", "",
          "inquiry_id seen_wall"),
    Table("script_answer", "delete", LEAD.format("lead_id"), "What you answered to our questions",
          "id lead_id script_id script_version question_id answer_id rep_id at"),
    Table("outcome", "blank", LEAD.format("lead_id"), "What came of our contacts",
          "id lead_id rep_id touch_id call_result outcome until_at at",
          _null("note") | _code("reason")),
    Table("leg", "blank", TOUCH.format("touch_id"), "Telephone calls, each side of them",
          "id touch_id role rep_id state result claimed_at claimed_wall lease_until_wall answered_at ended_at "
          "voicemail "
          "queued_ms",
          _null("provider_id")),
    Table("touch", "blank", LEAD.format("lead_id"), "Each contact that we planned or made",
          "id lead_id person_id step channel purpose state versions planned_at placed_at next_at claimed_at "
          "claimed_wall "
          "lease_until_wall sent_at settled_at delivery call_result attempts doubted_wall put_off_to",
          _null("address subject body provider_id") | _code("reason") | {"reasons": "'{}'"}),
    Table("booking_mail", "delete", "booking_id in (select id from booking where lead_id = any($2::uuid[]))", "",
          "booking_id kind sequence before_s due_at state reason tries next_wall"),
    # what stands in a rep's calendar goes from there as well: the chore takes out what is called off
    Table("booking", "blank", LEAD.format("lead_id"), "Your meetings with us",
          "id lead_id number rep_id starts_at ends_at held sequence source created_at asked_at settled_at "
          "calendar_tries calendar_next_wall",
          _null("external_id calendar_problem") | {"zone": "'UTC'",
          "state": "case when state = 'booked' then 'cancelled' else state end",
          "calendar": "case when calendar = 'written' then 'waiting' else calendar end"}, private="held"),
    Table("quality_review", "blank", "pick_id in (select id from quality_pick where lead_id = any($2::uuid[]))",
          "What we noted of how we dealt with you", "id pick_id account_id marks value at_wall", _null("remark"),
          private="account_id marks value"),
    Table("quality_pick", "keep", LEAD.format("lead_id"), "", "id contact kind lead_id rep_id week at"),
    Table("feedback", "blank", LEAD.format("lead_id"), "What you said of us",
          "lead_id step fast helpful given_at changed_at changes", _null("remark")),
    Table("placement", "delete", LEAD.format("lead_id"), "When we thought that we may contact you",
          "id lead_id step earliest at valid_until reason reasons zones versions"),
    Table("story", "delete", LEAD.format("lead_id"), "What happened, step by step",
          "id lead_id at kind step reason data dedupe"),
    Table("message", "delete", LEAD.format("lead_id"), "",
          "id lead_id seq kind payload created_wall delivered_wall delivery attempts error"),
    Table("notification", "blank", "notice_id in (select id from notice where lead_id = any($2::uuid[]))", "",
          "id notice_id rep_id account_id channel fallback state tries at due_wall claimed_wall settled_wall "
          "expires_at used_wall delivery",
          _null("error")),
    Table("notice", "blank", LEAD.format("lead_id"), "",
          "id lead_id rep_id audience kind due_at at seen_wall dedupe passed_on",
          _code("reason")),
    Table("inbound_call", "delete", "(lead_id = any($2::uuid[]) or number = any($3::text[]))", "Your calls to us",
          "id call_sid number lead_id reps rep_id state said language at at_wall ended_at relay_key relay_wall",
          private="relay_key"),
    Table("ai_voice_consent", "delete", "(lead_id = any($2::uuid[]) or number = any($3::text[]))",
          "Your consent to an artificial voice", "id lead_id number source wording at at_wall ended_at ended_by"),
    Table("help_told", "delete", "number = any($3::text[])", "Texts with HELP", "number day"),
    # what is still to be acted on may speak of others too; so may the rest, so it is no part of an export
    Table("webhook", "delete", _WEBHOOKS, "",
          "id digest provider path query content_type body signed_by about received_wall state tries next_try_wall "
          "reason note"),
    Table("inquiry", "blank", PERSON.format("person_id"), "What you asked us",
          "id lead_id person_id number form_key intent lead_type source consent_sms consent_call consent_recorded "
          "submitted_at submitted_wall channel consent_marketing",
          _null("email phone message consent_text remote_address user_agent idempotency_key")
          | {"fields": "'{}'", "fingerprint": "''"}, private="fingerprint idempotency_key"),
    Table("lead", "blank", PERSON.format("person_id"), "Your inquiries, and where they stand",
          "id person_id form_key lead_type intent source segment country stage owner_id plan_id plan_version "
          "clock_offset_us created_at created_wall paused_until open_at first_attempt_due first_attempt_target "
          "promised_at acknowledged_at assigned_at first_attempt_at first_contact_at decided_at next_touch_at "
          "next_step closed_at accepted_at deal_at assign_due earlier_attempt_at variants "
          "program follows",
          _null("region postcode tz zone promise_text next_why") | _code("plan_stopped", "close_reason")),
    Table("known_fact", "delete", LEAD.format("lead_id"), "What we found out about you, and where",
          "lead_id name source value confidence at wrong_at"),
    # a domain may be a person's own; whatever else writes from it, the source is asked again
    Table("company_answer", "delete", "domain in (select split_part(lower(one), '@', 2) from unnest($3::text[]) one)",
          "", "domain answer problem asked_wall expires_wall"),
    Table("lead_key", "delete", LEAD.format("lead_id"), "", "lead_id salt"),
    Table("hygiene_finding", "delete", "(person_id = any($1::uuid[]) or lead_id = any($2::uuid[]))",
          "What of your data we wanted to put right", "id kind key state person_id lead_id detail first_wall run_id "
          "aside_wall aside_reason aside_by", private="aside_by run_id"),
    Table("hygiene_repair", "delete", PERSON.format("person_id"), "How we wrote your data otherwise",
          "id person_id what before after at_wall undone_wall"),
    Table("person_email", "delete", PERSON.format("person_id"), "Your e-mail addresses",
          "address person_id verified bad_reason created_at"),
    Table("person_phone", "delete", PERSON.format("person_id"), "Your telephone numbers",
          "number person_id verified bad_reason sms_bad_reason created_at"),
    Table("suppression", "keep", PERSON.format("person_id"), "What you do not want from us",
          "person_id channel reason source at merged", private="merged"),
    Table("duplicate", "delete", "(one_id = any($1::uuid[]) or other_id = any($1::uuid[]))", "",
          "one_id other_id score reasons certain state found_wall seen_wall decided_wall"),
    # what it takes to undo it: names, addresses, numbers
    Table("merge", "blank", PERSON.format("person_id"), "When we found that two entries are one person",
          "id number kept_id gone_id person_id at at_wall by_rule account_id role undone_wall",
          _null("moved"), private="account_id role"),
    Table("person", "blank", PERSON.format("id"), "Who you are",
          "id possible_duplicate_of created_at erased_wall", _null("name company")),
    # codes, ids and times of leads, nothing about a person
    Table("assignment", "keep", LEAD.format("lead_id"), "Who of ours was chosen for you",
          "id lead_id inquiry_number rep_id reason gave_up weights candidates at peak", private="candidates weights"),
    Table("judgement", "keep", LEAD.format("lead_id"), "How your inquiries were judged, and by which rules",
          "lead_id inquiry_number came_as lead_type lane points rules version account_owner problem ms at"),
    # references are codes of the bookkeeping, which has to keep them itself
    Table("external_ref", "delete", LEAD.format("lead_id"), "How our other systems call you",
          "system external_id lead_id seen_wall"),
    # by their id alone can they be asked to delete their record; then this row is deleted (crm/sending.py)
    Table("crm_record", "blank", LEAD.format("lead_id"), "How our CRM calls you",
          "endpoint_id about lead_id external_id object made gone look told_wall",
          _null("status owner stage owner_id writing_status writing_owner")),
    Table("ledger_entry", "keep", LEAD.format("lead_id"), "What you paid, and what you cost us",
          "reference kind lead_id booked_on amount currency imported_wall told_at"),
    Table("offer", "keep", LEAD.format("lead_id"), "",
          "id lead_id rep_id level kind asked_at ended_at result"),
    Table("breach", "keep", LEAD.format("lead_id"), "",
          "lead_id target phase owner_id due_at found_at ended_at round"),
    # what is told of a lead is read when it is sent, so these name nobody; what a receiver answered may repeat it
    Table("hook_event", "keep", LEAD.format("lead_id"), "",
          "id seq lead_id type at story_id data created_wall spread"),
    Table("hook_delivery", "keep", LEAD.format("lead_id"), "",
          "endpoint_id seq lead_id state tries first_try_wall next_try_wall round"),
    Table("hook_told", "keep", LEAD.format("lead_id"), "", "endpoint_id lead_id"),
    Table("hook_try", "blank", LEAD.format("lead_id"), "",
          "id endpoint_id seq lead_id event_id type at_wall ms status error", _null("excerpt")),
    # what reports keep of a lead; it is worked out again from what is left
    Table("lead_fact", "delete", LEAD.format("lead_id"), "", _FACT),
    # what they were, for some minutes
    Table("lead_fact_was", "delete", LEAD.format("lead_id"), "", f"place xid {_FACT}"),
    Table("lead_stale", "keep", LEAD.format("lead_id"), "", "id lead_id"),
    Table("limbo", "delete", LEAD.format("lead_id"), "", "lead_id reason found_wall rounds"),
    Table("audit_finding", "delete", "(lead_id = any($2::uuid[]) or subject = any($3::text[]))", "",
          "run_id number kind lead_id subject detail minutes"),
    Table("steering_item", "blank", LEAD.format("lead_id"), "",
          "run_id number lead_id state tries audit_id ended_wall", _null("answer") | {"asked": "'{}'"}),
    # one reason for many leads; whoever typed it may have had this person in mind
    Table("steering_run", "blank", "id in (select run_id from steering_item where lead_id = any($2::uuid[]))", "",
          "id account_id role action asked filter pace background created_wall held_wall ended_wall",
          _code("reason")),
    # who did what when, by codes and ids; why was typed
    Table("audit", "blank", "object = any($3::text[])", "",
          "id at_wall account_id role rep_id action object asked before after status request_id",
          _code("note")),
    Table("suppressed_contact", "keep", "", "", "mark channel at"),
    # so that a restored backup can be brought up to date
    Table("erased", "keep", "", "", "id at_wall people leads marks"),
    # our own people, texts, plans and machines
    Table("company_alike", "ours"),
    Table("company", "ours"), Table("lane_rules", "ours"), Table("flow_check", "ours"), Table("audit_run", "ours"),
    Table("plan_draft", "ours"),
    Table("rep", "ours"), Table("rep_busy", "ours"), Table("rep_calendar", "ours"), Table("rep_channel", "ours"),
    Table("push_device", "ours"), Table("account", "ours"), Table("session", "ours"), Table("sign_in_link", "ours"),
    Table("sign_in_failure", "ours"), Table("company_sign_in", "ours"), Table("company_identity", "ours"),
    Table("capacity_change", "ours"), Table("oncall_override", "ours"), Table("oncall_shift", "ours"),
    Table("oncall_recorded", "ours"), Table("notify_channel", "ours"), Table("plan", "ours"),
    # ids of leads and codes, no words; remarks are read from `feedback`
    Table("review", "ours"), Table("review_mail", "ours"), Table("goal", "ours"),
    Table("experiment", "ours"), Table("experiment_arm", "ours"),
    Table("template_version", "ours"), Table("data_release", "ours"), Table("chore", "ours"),
    Table("lead_fact_check", "ours"), Table("whatif_run", "ours"), Table("quality_week", "ours"),
    Table("house_mark", "ours"), Table("house_change", "ours"), Table("hook_endpoint", "ours"),
    Table("mapping_refusal", "ours"), Table("crm_look", "ours"), Table("hygiene_run", "ours"),
    Table("lead_fact_floor", "ours"), Table("fact_count", "ours"),
    Table("schema_migrations", "ours"), Table("schema_migration_checksums", "ours"),
)  # fmt: skip


def titles(counted: dict[str, int]) -> dict[str, int]:
    """How many rows, by what people call them; our own bookkeeping is one line."""
    named = {table.name: table.title for table in TABLES}
    found: dict[str, int] = {}
    for name, many in counted.items():
        title = named[name] or "Our own notes about these leads"
        found[title] = found.get(title, 0) + many
    return found
