"""How many answers a second one core gives: `PYTHONTZPATH='' python bench/calendar_bench.py [rounds]`."""

import random
import sys
import time
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

zoneinfo.reset_tzpath(to=())

from speedlead.closures import HolidayClosures, version  # noqa: E402
from speedlead.domain.calendar import NEVER, Policy, ZonePolicy, complement_week, forget_zones, next_permitted  # noqa: E402
from speedlead.domain.placing import Consents, Placer, Question  # noqa: E402
from speedlead.domain.zones import Evidence  # noqa: E402
from speedlead.lawbook import load  # noqa: E402
from speedlead.place_finder import PlaceFinder  # noqa: E402
from speedlead.tzdata_version import assert_wheel  # noqa: E402

CONTIGUOUS = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
RUSSIA = (
    "Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Novosibirsk",
    "Asia/Irkutsk", "Asia/Chita", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka",
)  # fmt: skip


def measure(name: str, rounds: int, ask: Callable[[int], object]) -> None:
    """Best of three, in answers a second and microseconds each."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for number in range(rounds):
            ask(number)
        best = min(best, time.perf_counter() - start)
    print(f"{name:<52} {rounds / best:>10,.0f} /s {best / rounds * 1e6:>9.1f} us")


def main(rounds: int) -> None:
    """Random instants over 300 days, as in a year of leads."""
    print(f"tzdata {assert_wheel()}, holidays {version()}, python {sys.version.split()[0]}")
    chance = random.Random(1)
    start = datetime(2026, 6, 1, tzinfo=UTC)
    asked = [start + timedelta(seconds=chance.randrange(300 * 86_400)) for _ in range(rounds)]
    office = Policy(dict.fromkeys(range(5), ((540, 1080),)), NEVER)
    legal = Policy(None, complement_week(dict.fromkeys(range(7), ((480, 1260),))))

    def rules(policy: Policy, *zones: str) -> list[ZonePolicy]:
        return [ZonePolicy(zone, policy, "x") for zone in zones]

    for name, given in {
        "next_permitted, one zone, office hours": rules(office, "America/New_York"),
        "next_permitted, one zone, office hours and law": rules(office, "America/New_York")
        + rules(legal, "America/New_York"),
        "next_permitted, 4 US zones, office hours": rules(office, *CONTIGUOUS),
        "next_permitted, 11 Russian zones, legal hours": rules(legal, *RUSSIA),
    }.items():
        next_permitted(start, given)
        measure(name, rounds, lambda number, given=given: next_permitted(asked[number], given))  # type: ignore[misc]

    office_ny = rules(office, "America/New_York")

    def first_question(_: int) -> object:
        forget_zones()
        return next_permitted(start, office_ny)

    measure("first question of a zone (builds its table)", 20, first_question)

    began = time.perf_counter()
    finder = PlaceFinder()
    finder.warm_up()
    print(f"place finder warm-up {time.perf_counter() - began:.2f} s")
    evidence = Evidence("America/New_York", "US", "NY", "10001", "+12125550100")
    measure("place of a lead from five items", rounds // 20, lambda _: finder.find(evidence))
    placer = Placer(load(), HolidayClosures(), {})
    place = finder.find(evidence)
    consents = Consents(call_requested=True, sms=False, call=False)
    hours = dict.fromkeys(range(5), ((540, 1080),))
    measure(
        "Placer.place, a call with law and closures",
        rounds // 10,
        lambda number: placer.place(Question("call", asked[number], None, place, hours, None, consents)),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
