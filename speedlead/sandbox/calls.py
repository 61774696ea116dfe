"""Acts out calls as Twilio does: rings the rep, follows the TwiML of our gateway, dials the lead, reports each step."""

import asyncio
from email.utils import formatdate
from urllib.parse import urlencode, urljoin

from speedlead.sandbox.callbacks import Later, Postman, UndeliveredError
from speedlead.sandbox.legs import Following, Leg, leg_of
from speedlead.sandbox.people import People
from speedlead.sandbox.store import Row, Store
from speedlead.sandbox.tokens import call_sid
from speedlead.sandbox.twiml import Verb, parse

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
RING_CAP_S = 6.0  # nobody watching a demo wants to hear a phone ring for half a minute
ANSWER_S = 1.0
PRESS_S = 2.0
VOICEMAIL_S = 8.0
GREETING_S = 2.0
SPEECH_S = 3.0  # how long a message takes that is left on a machine
MAX_DOCUMENTS = 30
# what somebody at the inbox page does with the lead's ringing phone
_PLAYED = {
    "lead:answer": "answer", "lead:decline": "busy", "lead:voicemail": "voicemail", "lead:hangup": "no_answer",
}  # fmt: skip
_EVENT_OF = {"queued": "initiated", "ringing": "ringing", "in-progress": "answered"}


class HungUpError(Exception):
    """The call is over; carries nothing."""


class Calls:
    """One `run` per call made through the API; commands come from the API and from the inbox page."""

    def __init__(self, store: Store, later: Later, postman: Postman, people: People, account_sid: str) -> None:
        self._store = store
        self._later = later
        self._postman = postman
        self._people = people
        self._account_sid = account_sid
        self._commands: dict[str, asyncio.Queue[str]] = {}

    def command(self, row: Row, what: str) -> bool:
        """Tells a running call `hangup`, `answer`, `decline`, `press:1` or `goto:URL`; False when it is over already.

        A dialled person's commands go to the call that dials, until that person's leg goes on alone.
        """
        alone = row.id in self._commands
        target = row.id if alone else row.parent_id
        if row.status in OVER or target not in self._commands:
            return False
        self._commands[target].put_nowait(what if alone else f"lead:{what}")
        return True

    def resume(self) -> None:
        """After a restart: phones that rang ring again, calls that were talking have been cut off."""
        for status in ("queued", "ringing", "in-progress"):
            for row in self._store.find(limit=1000, channel="call", status=status):
                if row.parent_id is not None or status == "in-progress":
                    self._later.spawn(self._end(row, "failed" if row.parent_id else "completed", 0))
                else:
                    self._later.spawn(self.run(row.id))

    async def run(self, sid: str) -> None:
        """The whole life of one call; returns when it is over and reported."""
        row = self._store.get(sid)
        if row is None:
            return
        self._commands[sid] = asyncio.Queue()
        leg = Leg(row)
        try:
            await self._report(row, "queued")
            await self._report(row, "ringing")
            status = await self._ring_rep(leg)
            if status == "in-progress":
                await self._report(row, "in-progress")
                await self._follow(leg)
                status = "completed"
            await self._end(row, status, leg.seconds)
        finally:
            del self._commands[sid]

    async def _ring_rep(self, leg: Leg) -> str:
        row = leg.row
        behaviour = self._people.behaviour(row.recipient)
        line = self._people.scripted(row)
        action: str = line.do if line else behaviour.rep
        ring_s = float(row.extra.get("timeout", 60))
        leg.keys = ["2"] if action == "decline" else list(behaviour.keys)
        if action == "ignore":
            ring_s = min(ring_s, RING_CAP_S)
        elif action != "manual":
            ring_s = ANSWER_S
        told = await self._wait(leg, ring_s)
        if told in ("hangup", "decline"):
            return "canceled" if told == "hangup" else "busy"
        if told == "answer" or told.startswith("press:"):
            leg.keys = list(told.removeprefix("press:")) if told != "answer" else []
            return "in-progress"
        if action in ("ignore", "manual"):
            return "no-answer"
        return "busy" if action == "busy" else "in-progress"

    # following TwiML

    async def _follow(self, leg: Leg) -> None:
        url, method = str(leg.row.extra["url"]), str(leg.row.extra.get("method", "POST"))
        more: dict[str, str] = {}
        try:
            for _ in range(MAX_DOCUMENTS):
                leg.url = url
                document = await self._postman.ask(url, {**self._params(leg.row, "in-progress"), **more}, method)
                following = await self._act(leg, parse(document) if document.strip() else [])
                if following is None:
                    return
                url, method, more = following
            leg.notes.append("error: too many documents")
        except HungUpError:
            pass
        except (UndeliveredError, ValueError) as error:
            # what a caller hears is "an application error has occurred"
            leg.notes.append(f"error: {error}")
        finally:
            self._store.note(leg.row.id, heard=leg.notes)

    async def _act(self, leg: Leg, verbs: list[Verb]) -> Following | None:
        """Runs one document; the next URL, method and parameters, or None at its end."""
        for verb in verbs:
            following: Following | None = None
            if verb.name in ("Hangup", "Reject"):
                raise HungUpError
            if verb.name == "Redirect":
                return leg.next(Verb("Redirect", {**verb.attributes, "action": verb.text}), {})
            if verb.name == "Gather":
                following = await self._gather(leg, verb)
            elif verb.name == "Dial":
                following = await self._dial(leg, verb)
            elif verb.name == "Record":
                following = await self._record(leg, verb)
            elif verb.name == "Pause":
                await self._listen(leg, min(verb.number("length", 1), 2))
            elif verb.name in ("Say", "Play"):
                leg.notes.append(f"{verb.name.lower()}: {verb.text}")
                if leg.row.parent_id:
                    await self._listen(leg, SPEECH_S)
            else:
                leg.notes.append(f"unknown verb: {verb.name}")
            if following is not None:
                return following
        return None

    async def _record(self, leg: Leg, verb: Verb) -> Following | None:
        await self._listen(leg, 2)
        facts = {"RecordingDuration": "2", "RecordingSid": "RE" + call_sid()[2:]}
        return leg.next(verb, facts) if verb.attributes.get("action") else None

    async def _gather(self, leg: Leg, verb: Verb) -> Following | None:
        digits = await self._digits(leg, verb)
        if digits or verb.attributes.get("actionOnEmptyResult") == "true":
            return leg.next(verb, {"Digits": digits, "msg": "Gather End"})
        return None

    async def _digits(self, leg: Leg, verb: Verb) -> str:
        leg.notes += [f"{child.name.lower()}: {child.text}" for child in verb.children]
        timeout_s = verb.number("timeout", 5)
        if leg.keys:
            await self._listen(leg, min(PRESS_S, timeout_s))
            return leg.keys.pop(0)
        told = await self._listen(leg, timeout_s)
        return told.removeprefix("press:")[: verb.number("numDigits", 1)] if told.startswith("press:") else ""

    async def _dial(self, leg: Leg, verb: Verb) -> Following | None:
        numbers = [child for child in verb.children if child.name == "Number"]
        if verb.text and not numbers:
            numbers = [Verb("Number", {}, verb.text)]
        leg.notes += [f"unknown in Dial: {c.name}" for c in verb.children if c.name != "Number"]
        result = {"DialCallStatus": "failed"}
        for number in numbers:
            result = await self._dial_one(leg, verb, number)
            if result["DialCallStatus"] in ("completed", "canceled"):
                break
        following = leg.next(verb, result) if verb.attributes.get("action") else None
        if leg.gone:
            if following:  # Twilio still tells the action how the dial ended; nobody hears the answer
                await self._postman.ask(following[0], {**self._params(leg.row, "completed"), **result})
            raise HungUpError
        return following

    async def _dial_one(self, leg: Leg, dial: Verb, number: Verb) -> dict[str, str]:
        callback = number.attributes.get("statusCallback")
        child = self._store.add(Row(
            call_sid(), "call", "outbound-dial", dial.attributes.get("callerId") or leg.row.sender, number.text,
            leg.row.touch_id, leg_of(callback) or leg.row.leg_id, leg.row.id,
            extra={
                "status_callback": urljoin(leg.url, callback) if callback else None,
                "events": number.attributes.get("statusCallbackEvent", "completed").split(),
                "attributes": {**dial.attributes, **number.attributes},
            },
        ))  # fmt: skip
        await self._report(child, "queued")
        line, behaviour = self._people.scripted(child), self._people.behaviour(child.recipient)
        action: str = line.do if line else behaviour.call
        if action == "disconnected":
            return await self._dialled(child, "failed", 0)
        await self._report(child, "ringing")
        rings = action == "no_answer"
        ring_s = min(dial.number("timeout", 30), RING_CAP_S) if rings else ANSWER_S
        leg.seconds += ring_s
        told = await self._wait(leg, ring_s)
        if told == "hangup":
            leg.gone = True
            return await self._dialled(child, "canceled", 0)
        if told in _PLAYED:
            action = _PLAYED[told]
        if action not in ("answer", "voicemail"):
            return await self._dialled(child, "busy" if action == "busy" else "no-answer", 0)
        await self._report(child, "in-progress")
        await self._detect_machine(leg, child, number, action)
        await self._whisper(leg, child, number)
        talk_s = VOICEMAIL_S if action == "voicemail" else behaviour.talk_s
        leg.seconds += talk_s
        told = await self._wait(leg, talk_s)
        if told.startswith("lead:goto:"):
            await self._alone(child, told.removeprefix("lead:goto:"))
            return _dial_result(child, "completed", talk_s)
        leg.gone = told == "hangup"
        return await self._dialled(child, "completed", talk_s)

    async def _alone(self, child: Row, url: str) -> None:
        """The dialled leg was redirected: it leaves the call that dialled it, which goes on at its own action."""
        child.extra["url"] = url
        self._commands[child.id] = asyncio.Queue()
        if self._later.mode == "before":
            await self._finish(child)
        else:
            self._later.spawn(self._finish(child))

    async def _finish(self, child: Row) -> None:
        leg = Leg(child)
        try:
            await self._follow(leg)
            await self._end(child, "completed", leg.seconds)
        finally:
            del self._commands[child.id]

    async def _dialled(self, child: Row, status: str, seconds: float) -> dict[str, str]:
        await self._end(child, status, seconds)
        return _dial_result(child, status, seconds)

    async def _detect_machine(self, leg: Leg, child: Row, number: Verb, action: str) -> None:
        url = number.attributes.get("amdStatusCallback")
        if url and number.attributes.get("machineDetection"):
            waits = number.attributes["machineDetection"] == "DetectMessageEnd"
            machine = "machine_end_beep" if waits else "machine_start"
            answered_by = machine if action == "voicemail" else "human"
            params = {"CallSid": child.id, "AccountSid": self._account_sid, "AnsweredBy": answered_by}
            params["MachineDetectionDuration"] = "1800"
            await self._postman.hand_over(
                urljoin(leg.url, url), urlencode(params).encode(), ordered_by=f"amd-{child.id}",
                delay_s=GREETING_S * self._later.pace if answered_by == "machine_end_beep" else 0,
            )  # fmt: skip

    async def _whisper(self, leg: Leg, child: Row, number: Verb) -> None:
        """What the dialled person hears before the two are connected."""
        url = number.attributes.get("url")
        if url:
            document = await self._postman.ask(urljoin(leg.url, url), self._params(child, "in-progress"))
            self._store.note(child.id, heard=[f"{v.name.lower()}: {v.text}" for v in parse(document)])

    # time and reports

    async def _wait(self, leg: Leg, seconds: float) -> str:
        """Waits so long, or less when somebody presses or hangs up; what they did, or an empty string."""
        queue = self._commands[leg.row.id]
        if self._later.mode == "before":
            return queue.get_nowait() if not queue.empty() else ""
        try:
            return await asyncio.wait_for(queue.get(), max(seconds * self._later.pace, 0.001))
        except TimeoutError:
            return ""

    async def _listen(self, leg: Leg, seconds: float) -> str:
        leg.seconds += seconds
        told = await self._wait(leg, seconds)
        if told in ("hangup", "decline"):
            raise HungUpError
        return told

    def _params(self, row: Row, status: str) -> dict[str, str]:
        params = {
            "CallSid": row.id, "AccountSid": self._account_sid, "From": row.sender, "To": row.recipient,
            "Caller": row.sender, "Called": row.recipient, "CallStatus": status, "Direction": row.direction,
            "ApiVersion": "2010-04-01",
        }  # fmt: skip
        if status == "failed":
            params["SipResponseCode"] = "404"  # the only way a call fails here: the number is not in service
        return params | ({"ParentCallSid": row.parent_id} if row.parent_id else {})

    async def _report(self, row: Row, status: str, duration_s: float | None = None) -> None:
        event = _EVENT_OF.get(status, "completed")
        row.extra["sequence"] = sequence = row.extra.get("sequence", -1) + 1
        params = self._params(row, "initiated" if status == "queued" else status)
        params |= {"Timestamp": formatdate(), "CallbackSource": "call-progress-events", "SequenceNumber": str(sequence)}
        if duration_s is not None:
            params |= {"CallDuration": str(round(duration_s)), "Duration": str(-(-round(duration_s) // 60))}
        wanted = event in row.extra.get("events", ["completed"])
        url = row.extra.get("status_callback") if wanted else None
        await self._postman.report(row.id, status, url, urlencode(params).encode())

    async def _end(self, row: Row, status: str, seconds: float) -> None:
        self._store.note(row.id, duration_s=round(seconds))
        await self._report(row, status, seconds)


def _dial_result(child: Row, status: str, seconds: float) -> dict[str, str]:
    """What the action of a <Dial> is told."""
    result = {"DialCallStatus": status, "DialCallSid": child.id}
    if status == "completed":
        result |= {"DialCallDuration": str(round(seconds)), "DialBridged": "true"}
    return result
