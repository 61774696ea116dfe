"""How many people are needed so that a call finds one of them free: Erlang's second formula (A. K. Erlang, 1917).

Calls come at random at one rate, wait in one queue, nobody hangs up, and all of our people can take each of them.
"""

from math import ceil, exp

MOST = 2_000


def waits(load: float, people: int) -> float:
    """The share of calls that find nobody free. `load` in erlangs: calls an hour × hours a call takes."""
    if load <= 0:
        return 0.0
    if people <= load:
        return 1.0
    # Erlang B by its recurrence, which stays small; then C from B
    blocked = 1.0
    for n in range(1, people + 1):
        blocked = load * blocked / (n + load * blocked)
    return people * blocked / (people - load * (1 - blocked))


def served(load: float, people: int, within_s: float, call_s: float) -> float:
    """The share of calls that somebody takes up within `within_s`."""
    if people <= load:
        return 0.0 if load > 0 else 1.0
    return 1.0 - waits(load, people) * exp(-(people - load) * within_s / call_s)


def needed(calls_an_hour: float, call_s: float, within_s: float, share: float = 0.95) -> int:
    """The least number of people for that share. Raises ValueError for what no room of people could do."""
    if calls_an_hour <= 0:
        return 0
    load = calls_an_hour * call_s / 3600
    for people in range(max(1, ceil(load)), MOST):
        if served(load, people, within_s, call_s) >= share:
            return people
    raise ValueError(f"expected a load that {MOST} people can take, got {calls_an_hour:.0f} calls an hour")
