"""One lead from its form to its end: when what happens, by the shapes of the season."""

from datetime import datetime, timedelta

from speedlead.demo.season import shapes
from speedlead.demo.season.record import Record


class Life(Record):
    """`live` once; the rows are then in the season."""

    def live(self) -> None:
        chance, until = self._s.random, self._s.until
        self._story(self._at, "inquiry")
        self._acknowledge()
        opened = self._opening(self._at)
        self._assign(opened)
        due = opened + self._target()
        first = opened + self._needed(opened)
        self._lead |= {
            "open_at": opened, "first_attempt_due": due, "first_attempt_target": self._type, "promised_at": due,
            "assign_due": opened + timedelta(minutes=shapes.ASSIGN_MIN[self._type]),
        }  # fmt: skip
        met, answered = self._attempts(first)
        done = self._lead.get("first_attempt_at", until + timedelta(days=1))
        self._breach("first_attempt", due, done, chance.choice(shapes.SLOW_PHASES))
        if met is not None:
            self._spoken(met, first)
        elif answered is None or not self._closed_after_reply(answered):
            self._exhausted()
        if chance.random() < 0.015:
            self._story(self._at + timedelta(seconds=20 + chance.random() * 300), "repeat")
        self._write(until)

    # ── the beginning ────────────────────────────────────────────────────────────────────────────────────────────────

    def _acknowledge(self) -> None:
        s = self._s
        at = self._at + timedelta(seconds=0.05 + s.random.expovariate(2.5))
        channel = "email" if self._person.email else "sms"
        bounced = self._new and s.random.random() < 0.02
        self._touch(
            "ack-1", channel, at, "sent", purpose="acknowledgement", delivery="bounced" if bounced else "delivered"
        )
        self._lead["acknowledged_at"] = at
        if bounced and channel == "email":
            self._story(at + timedelta(seconds=40), "delivery", "ack-1", "bad_address", "channel=email status=bounced")
        self._bad_email = "bounced" if bounced and channel == "email" else None

    def _opening(self, at: datetime) -> datetime:
        local = at.astimezone(self._zone)
        if local.weekday() < 5 and shapes.OPENS <= local.hour < shapes.CLOSES:
            return at
        day = local if local.hour < shapes.OPENS and local.weekday() < 5 else local + timedelta(days=1)
        return self._workday(day, shapes.OPENS)

    def _workday(self, local: datetime, hour: float) -> datetime:
        while local.weekday() > 4:
            local += timedelta(days=1)
        return local.replace(hour=int(hour), minute=int(hour % 1 * 60), second=0, microsecond=0).astimezone(
            self._s.until.tzinfo
        )

    def _assign(self, opened: datetime) -> None:
        s, chance = self._s, self._s.random
        slow = chance.random() < 0.02
        at = self._at + (s.minutes(12, 0.6) if slow else timedelta(seconds=0.3 + chance.expovariate(1.2)))
        accepted = max(at, opened) + s.minutes({"hot": 0.35, "warm": 1.2, "cold": 6}[self._type], 0.5)
        self._lead |= {"owner_id": self._rep.id, "assigned_at": at, "accepted_at": accepted}
        self._story(at, "assigned", None, None, f"rep_id={self._rep.id}")
        self._add("assignment", at, (self._id, 1, self._rep.id, "best_fit", "{}", "[]", at))
        asked = max(at, opened)
        if chance.random() < 0.07:  # the first one is silent
            other = chance.choice(s.reps)
            end = asked + timedelta(minutes=1)
            self._add("offer", asked, (self._id, other.id, 1, "ask", asked, end, "silent"))
            self._breach("acceptance", asked + timedelta(minutes=5), accepted, "acceptance")
            asked = end
            self._lead["accepted_at"] = accepted = max(accepted, end + timedelta(seconds=8))
        self._add("offer", asked, (self._id, self._rep.id, 2, "ask", asked, *self._closing(accepted, "accepted")))
        self._story(accepted, "accepted", None, None, f"rep_id={self._rep.id}")
        self._breach("assignment", opened + timedelta(minutes=shapes.ASSIGN_MIN[self._type]), at, "assignment")

    def _closing(self, at: datetime, result: str) -> tuple[datetime, str] | tuple[None, None]:
        return (at, result) if at <= self._s.until else (None, None)

    def _target(self) -> timedelta:
        return timedelta(minutes=min(shapes.TARGET_MIN[self._type], shapes.SOURCE_TARGET_MIN.get(self._source, 9999)))

    def _needed(self, opened: datetime) -> timedelta:
        s = self._s
        times = self._rep.pace * shapes.BUSY_HOURS.get(opened.astimezone(self._zone).hour, 1)
        if self._at < s.changed_at:
            times *= shapes.OLD_PLAN_TIMES
        if s.random.random() < shapes.STUCK:
            times *= s.random.uniform(*shapes.STUCK_TIMES)
        median = min(shapes.MEDIAN_MIN[self._type], shapes.TARGET_SHARE * (self._target() / timedelta(minutes=1)))
        return s.minutes(median * times, shapes.SPREAD)

    # ── the plan ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _attempts(self, first: datetime) -> tuple[datetime | None, datetime | None]:
        """(when they were spoken to, when they wrote back); the attempts as touches."""
        chance = self._s.random
        picks_up = shapes.PICKS_UP[self._type] * (
            shapes.QUICK_PICKS_UP if first - self._at < timedelta(minutes=5) else 1
        )
        last = first
        for step, channel, after in shapes.STEPS[self._type]:
            at = first + after
            if after >= timedelta(days=1):
                at = self._workday(first.astimezone(self._zone) + after, chance.uniform(9.2, 17.5))
                if chance.random() < 0.12:
                    self._story(
                        at - timedelta(hours=2), "deferred", step, "outside_business_hours", f"channel={channel}"
                    )
            elif self._opening(at) != at:
                at = self._opening(at)
                self._story(last, "deferred", step, "outside_business_hours", f"channel={channel}")
            at = max(at, last + timedelta(minutes=1))
            reason = self._skips(channel)
            if at > self._s.until:
                self._lead |= {"next_touch_at": at, "next_step": step, "next_why": "next_step"}
                if chance.random() < 0.1 and reason is None:
                    self._touch(step, channel, last, "deferred", "outside_business_hours", next_at=at)
                return None, None
            if reason is not None:
                self._touch(step, channel, at, "skipped", reason)
                if step == "call-1" and self._skips("email") is None:  # the plan's `instead`: the owner writes
                    self._touch("by-hand-1", "email", at, "sent", purpose="manual", delivery="delivered")
                    self._lead.setdefault("first_attempt_at", at)
                continue
            last = at
            self._lead.setdefault("first_attempt_at", at)
            if channel != "call":
                self._touch(step, channel, at, "sent", delivery="delivered")
                if chance.random() < shapes.WRITES_BACK:
                    return self._wrote(at + self._s.minutes(70, 1), channel)
                continue
            heard = chance.random() < picks_up
            picks_up *= shapes.NEXT_CALL
            self._call(step, at, heard)
            if heard:
                return at + timedelta(seconds=12), None
        self._lead["exhausted_at"] = last + timedelta(days=1)
        return None, None

    def _wrote(self, at: datetime, channel: str) -> tuple[datetime | None, datetime | None]:
        s = self._s
        if at > s.until:
            return None, at
        answered = self._opening(at) + s.minutes(22, 0.9)
        seen = answered if answered <= s.until else None
        self._add("reply", at, (s.new_id(), self._id, self._person.id, channel, False, "When suits you?", at,
                                self._opening(at) + timedelta(hours=1), seen, "outcome" if seen else None))  # fmt: skip
        self._story(at, "reply", None, None, f"channel={channel}")
        self._lead |= {"plan_stopped": "reply_received", "next_why": "reply_received"}
        return (answered if s.random.random() < 0.7 else None), at

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _spoken(self, at: datetime, first: datetime) -> None:
        s, chance = self._s, self._s.random
        if at > s.until:
            return
        self._lead["first_contact_at"] = at
        self._outcome(at + timedelta(minutes=3), "connected", None)
        decided = at + s.minutes(26, 1.15)
        minutes = (first - self._at) / timedelta(minutes=1)
        part = next(share for upto, share in shapes.CONVERTS if minutes < upto)
        part *= shapes.TYPE_CONVERTS[self._type] * shapes.SOURCE_CONVERTS.get(self._source, 1) * self._rep.luck
        self._breach("qualification", at + timedelta(hours=4), decided, "own_work")
        self._lead["waits"] = "waiting_for_outcome"
        if chance.random() < part:
            booked = chance.random() < 0.6
            self._outcome(decided, None, "meeting_booked" if booked else "qualified")
            self._lead["decided_at"] = decided
            sold = decided + timedelta(days=1 + chance.expovariate(1 / 6))
            self._outcome(sold, None, "converted")
            self._lead |= {"booked_at": decided} if booked else {}
            self._lead["stages"] = [(decided, "booked" if booked else "qualified"), (sold, "converted")]
            self._close(sold if booked else decided, "converted" if booked else "qualified")
            return
        what = s.one_of(shapes.OTHERWISE)
        self._outcome(decided, None, what)
        self._lead["decided_at"] = decided
        if what in ("not_now", "callback_requested"):
            self._lead["stages"] = [(decided, "nurturing")]
            end = decided + timedelta(days=14 if what == "not_now" else 3)
            self._outcome(end, None, "not_interested")
            self._close(end, "not_interested")
            return
        if what == "do_not_contact" and decided <= s.until:
            self._add("suppression", decided, (self._person.id, "all", "opted_out", "outcome", decided))
            self._story(decided, "opt_out", None, "opted_out", "scope=all")
        self._lead["stages"] = [(decided, "qualified" if what == "qualified" else "closed")]
        self._close(decided, what)

    def _closed_after_reply(self, at: datetime) -> bool:
        end = at + timedelta(days=14)
        self._lead["stages"] = [(end, "closed")]
        self._close(end, "no_outcome")
        return True

    def _exhausted(self) -> None:
        if (end := self._lead.get("exhausted_at")) is not None:
            self._lead["stages"] = [(end, "exhausted")]
            self._close(end, "plan_completed")

    def _close(self, at: datetime, reason: str) -> None:
        self._lead |= {"closed_at": at, "close_reason": reason}
        self._story(at, "closed", None, reason)
        if at <= self._s.until and reason != "do_not_contact":
            self._s.known.append((at, self._person))
