"""Row calendar: how many answers a second one core gives to "when may this touch go out?"."""

import random
import sys
import time
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from speedlead.closures import HolidayClosures, version
from speedlead.domain.calendar import NEVER, Policy, ZonePolicy, complement_week, forget_zones, next_permitted
from speedlead.domain.placing import Consents, Placer, Question
from speedlead.domain.zones import Evidence
from speedlead.lawbook import load
from speedlead.place_finder import PlaceFinder
from speedlead.tzdata_version import assert_wheel

CONTIGUOUS = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
RUSSIA = (
    "Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Novosibirsk",
    "Asia/Irkutsk", "Asia/Chita", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka",
)  # fmt: skip
BEST_OF = 3


def per_second(rounds: int, ask: Callable[[int], object]) -> float:
    """Best of three."""
    best = float("inf")
    for _ in range(BEST_OF):
        start = time.perf_counter()
        for number in range(rounds):
            ask(number)
        best = min(best, time.perf_counter() - start)
    return rounds / best


def asked_instants(rounds: int) -> list[datetime]:
    """Random instants over 300 days, as in a year of leads."""
    chance = random.Random(1)
    start = datetime(2026, 6, 1, tzinfo=UTC)
    return [start + timedelta(seconds=chance.randrange(300 * 86_400)) for _ in range(rounds)]


def answers_per_second(rounds: int) -> dict[str, float]:
    """What is asked -> answers a second of `next_permitted`."""
    asked = asked_instants(rounds)
    office = Policy(dict.fromkeys(range(5), ((540, 1080),)), NEVER)
    legal = Policy(None, complement_week(dict.fromkeys(range(7), ((480, 1260),))))

    def rules(policy: Policy, *zones: str) -> list[ZonePolicy]:
        return [ZonePolicy(zone, policy, "x") for zone in zones]

    questions = {
        "one zone, office hours": rules(office, "America/New_York"),
        "one zone, office hours and law": rules(office, "America/New_York") + rules(legal, "America/New_York"),
        "4 US zones, office hours": rules(office, *CONTIGUOUS),
        "11 Russian zones, legal hours": rules(legal, *RUSSIA),
    }
    found = {}
    for name, given in questions.items():
        next_permitted(asked[0], given)
        found[name] = per_second(rounds, lambda number, given=given: next_permitted(asked[number], given))  # type: ignore[misc]
    return found


def other_figures(rounds: int) -> dict[str, float]:
    """Answers a second of what lies around it."""
    asked = asked_instants(rounds)
    office = [ZonePolicy("America/New_York", Policy(dict.fromkeys(range(5), ((540, 1080),)), NEVER), "x")]

    def first_question(_: int) -> object:
        forget_zones()
        return next_permitted(asked[0], office)

    found = {"first question of a zone (builds its table)": per_second(20, first_question)}
    finder = PlaceFinder()
    finder.warm_up()
    fresh = PlaceFinder.find.__wrapped__  # what it costs the first time a lead is asked about
    evidence = Evidence("America/New_York", "US", "NY", "10001", "+12125550100")
    found["place of a lead from five items"] = per_second(max(1, rounds // 20), lambda _: fresh(finder, evidence))
    placer = Placer(load(), HolidayClosures(), {})
    place = finder.find(evidence)
    consents = Consents(call_requested=True, sms=False, call=False)
    hours = dict.fromkeys(range(5), ((540, 1080),))
    found["Placer.place, a call with law and closures"] = per_second(
        max(1, rounds // 10),
        lambda number: placer.place(Question("call", asked[number], None, place, hours, None, consents)),
    )
    return found


def main(rounds: int) -> None:
    zoneinfo.reset_tzpath(to=())
    print(f"tzdata {assert_wheel()}, holidays {version()}, python {sys.version.split()[0]}")
    figures = {f"next_permitted, {name}": rate for name, rate in answers_per_second(rounds).items()}
    for name, rate in (figures | other_figures(rounds)).items():
        print(f"{name:<52} {rate:>10,.0f} /s {1e6 / rate:>9.1f} us")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
