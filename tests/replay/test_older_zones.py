"""A lead's week recorded under an older release of the zone data replays under the pinned one (docs/adr/0003).

The histories come from `tests/replay/record_older_zones.py`, which says how to make them again.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from speedlead import lawbook
from speedlead.closures import HolidayClosures
from speedlead.contracts import PlaceRequest, PlaceResult
from speedlead.domain.placing import Consents, Placed, Placer
from speedlead.domain.schedule import Asker, Wanted, schedule
from speedlead.domain.zones import Evidence
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import load_plan
from speedlead.temporal import DATA_CONVERTER
from speedlead.tzdata_version import order, release
from tests.replay import local_time
from tests.replay.record_older_zones import FOLDER, OLDER, WINNIPEG, ZONE
from tests.replay.test_replay import texts
from workers.registry import WORKFLOWS

WEEK = FOLDER / "winnipeg.json"
BY_THE_OLDER, BY_THE_PINNED = timezone(timedelta(hours=-6)), timezone(timedelta(hours=-5))


async def failure_of(file: Path, workflows: Sequence[type]) -> BaseException | None:
    replayer = Replayer(workflows=list(workflows), data_converter=DATA_CONVERTER)
    history = WorkflowHistory.from_json("of-older-zones", file.read_text())
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


def placements() -> Iterator[tuple[PlaceRequest, PlaceResult]]:
    """What was asked of the calendar in the recorded week, and what it answered by the older release."""
    asked: dict[str, PlaceRequest] = {}
    for event in json.loads(WEEK.read_text())["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes", {})
        if scheduled.get("activityType", {}).get("name") == "place":
            asked[event["eventId"]] = PlaceRequest.model_validate_json(_first(scheduled["input"]))
        completed = event.get("activityTaskCompletedEventAttributes", {})
        if completed.get("scheduledEventId") in asked:
            result = PlaceResult.model_validate_json(_first(completed["result"]))
            yield asked[completed["scheduledEventId"]], result


def _first(payloads: Any) -> bytes:
    return base64.b64decode(payloads["payloads"][0]["data"])


def by_the_pinned(request: PlaceRequest) -> datetime:
    form = WINNIPEG.form
    evidence = Evidence(tz=form["tz"], country=form["country"], region=form["region"], phone_e164=form["phone"])
    consents = Consents(call_requested=True, sms=True, call=True, inquiry=True)
    found = schedule(
        Placer(lawbook.load(), HolidayClosures(), {}).place,
        Asker(PlaceFinder().find(evidence), consents, load_plan().hours),
        Wanted(request.steps, request.due, request.opened, not_before=request.not_before, manual=request.manual),
        (),
        (),
    )
    assert isinstance(found.answer, Placed)
    return found.answer.at


def test_the_week_names_the_older_release_and_all_that_a_placing_says() -> None:
    answers = [result for _, result in placements()]
    assert len(answers) >= 12
    for answer in answers:
        assert answer.versions["tzdata"] == OLDER
        assert {"holidays", "law"} <= set(answer.versions)
        assert answer.zones == (ZONE,)
        assert answer.at is not None
        assert answer.valid_until is not None
        assert answer.valid_until > answer.at
    assert order(OLDER) < order(release())


async def test_it_replays_under_the_pinned_release() -> None:
    assert await failure_of(WEEK, WORKFLOWS) is None


def test_the_two_releases_really_give_this_lead_other_instants() -> None:
    """Each touch that has an hour of the lead's day is an hour earlier by the data of today."""
    daily = [(request, result.at) for request, result in placements() if request.steps[-1].slot is not None]
    assert len({request.steps[-1].id for request, _ in daily}) >= 5
    for request, at in daily:
        slot = request.steps[-1].slot
        assert at is not None
        assert slot is not None
        today = by_the_pinned(request)
        assert at - today == timedelta(hours=1), request.steps[-1].id
        for instant, zone in ((at, BY_THE_OLDER), (today, BY_THE_PINNED)):
            local = instant.astimezone(zone)
            assert slot[0] <= local.hour * 60 + local.minute < slot[1]


async def test_a_workflow_that_reads_local_time_itself_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    file = FOLDER / "reads_local_time.json"
    assert isinstance(await failure_of(file, [local_time.ReadsLocalTime]), NondeterminismError)
    # and it is the zone's change alone that stops it
    monkeypatch.setattr(local_time, "ZoneInfo", lambda zone: BY_THE_OLDER)
    assert await failure_of(file, [local_time.ReadsLocalTime]) is None


def test_the_week_names_nobody() -> None:
    whole = "\n".join(texts(json.loads(WEEK.read_text())))
    for field in ("name", "email", "phone", "message"):
        assert WINNIPEG.form[field] not in whole
