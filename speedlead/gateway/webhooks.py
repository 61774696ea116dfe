"""What happens to every verified webhook, whoever sent it: kept, acted on, answered.

One act: the request and its effect are one commit. When the act fails, the request alone is committed and tried again
later (webhook_replay). Several acts (a batch of mail events): the request is committed first, then each act. The
provider hears 2xx only after a commit, so a process that is killed in between has lost nothing that was answered.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from speedlead.contracts import LeadStart
from speedlead.gateway.context import Context, log
from speedlead.gateway.limits import read_body
from speedlead.gateway.problems import Problem, unavailable
from speedlead.ports import Clock
from speedlead.store import webhooks as store
from speedlead.store.mapped import NO_LEAD
from speedlead.store.remarks import Remark, remarks
from speedlead.store.rows import put_notice
from speedlead.store.transactions import StoreUnavailable, transact
from speedlead.store.webhooks import Provider, Received

# SendGrid waits 10 s for an answer, Twilio 15 s: together with telling the workflow (1.5 s) they stay below both
ACT_S = 3.0
KEEP_S = 3.0
BATCH_S = 2.0  # what is left of a batch then, the replay does
LEASE = timedelta(seconds=120)
# about a day in all, which is what a provider would do
RETRIES_S = (2, 10, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
TELL_AFTER = 3  # tries: something that mends itself is nobody's work
AT_ONCE = 3  # leads of a batch; the relay finds the others within a second
_LEAD = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Acted:
    """What an act has done. `told`: leads that have a message to their workflow.

    `answer` takes the place of the job's, and is heard only when the act came off at once: not by a repeat, and not
    when it is acted on later. `start`: a new lead's workflow, which can begin without reading its rows again.
    """

    told: Sequence[str] = ()
    answer: Response | None = None
    start: LeadStart | None = None


# one transaction's work; a lead's id stands for `Acted((id,))`
Act = Callable[[Any], Awaitable[Acted | str | None]]


class NotYet(Exception):
    """What it is about is not here, and may come: tried again, and nobody's fault. The message says what is missing."""


class Unreadable(Exception):
    """A provider signed it, and yet it cannot be read; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a webhook asks for. No act: it says nothing that we could use.

    `about`: ids of leads, addresses and numbers that it names.
    """

    answer: Response
    acts: tuple[Act, ...] = ()
    about: tuple[str, ...] = ()


# reads a request; `clock` stands at the instant at which it came. Raises Unreadable.
Reader = Callable[[Context, Received, Clock], Awaitable[Job]]
# tells who signed; raises Problem 403 when nobody did. Counts why.
Verifier = Callable[[Request, bytes], str]


@dataclass(frozen=True, slots=True)
class AsOf:
    """The clock at an earlier instant: a webhook that is acted on later still tells what happened when it came."""

    clock: Clock
    at: datetime

    def wall(self) -> datetime:
        return self.at

    def business(self, offset_us: int) -> datetime:
        return self.clock.business(offset_us) - (self.clock.wall() - self.at)


def count(context: Context, provider: str, result: str) -> None:
    """`result`: accepted, repeated, unknown_touch, garbage, forged, stale, failed or replayed."""
    context.counters.add("webhooks", provider=provider, result=result)


async def receive(
    context: Context, request: Request, provider: Provider, path: str, limit: int, verify: Verifier
) -> Received:
    """The request, verified on the bytes as they came. Raises Problem 400, 403 or 413."""
    try:
        body = await read_body(request, limit)
    except Problem:
        count(context, provider, "garbage")
        raise
    signed_by = verify(request, body)
    query: bytes = request.scope.get("query_string", b"")
    return Received(
        provider, path, plain(query.decode("latin-1")), plain(request.headers.get("content-type", ""))[:300], body,
        signed_by, context.deps.clock.wall(),
    ).sealed()  # fmt: skip


def plain(text: str) -> str:
    """Postgres takes any character but this one."""
    return text.replace("\0", "")


def endpoint(
    context: Context, serve: Callable[[Request], Awaitable[Response]], path: str
) -> Callable[[Request], Awaitable[Response]]:
    """Answers whatever happens: 503 makes a provider come again; it would take a 500 for a broken address."""

    async def answered(request: Request) -> Response:
        try:
            return await serve(request)
        except Problem as problem:
            return problem.response()
        except StoreUnavailable:
            context.counters.add("store_unavailable")
            return unavailable().response()
        except Exception as error:
            context.counters.add("bugs")
            log.error("webhook failed", path=path, error=type(error).__name__)
            return unavailable().response()

    return answered


async def take(context: Context, received: Received, read: Reader) -> Response:
    """Keeps the request and acts on it. Raises StoreUnavailable when it could not even be kept."""
    clock = context.deps.clock
    try:
        job = await read(context, received, clock)
    except Unreadable as error:
        if await _keep(context, received, "failed", reason=str(error)):
            count(context, received.provider, "garbage")
        return Response(status_code=204)
    except Exception as error:
        await _keep_failed(context, received, error)
        return Response(status_code=204)
    received = replace(received, about=job.about)
    if not job.acts:
        if await _keep(context, received, "done", reason="nothing to act on"):
            count(context, received.provider, "garbage")
    elif len(job.acts) == 1:
        return await _keep_and_act(context, received, job.acts[0]) or job.answer
    else:
        webhook_id = await _keep(context, received, "waiting", next_try_wall=clock.wall() + LEASE)
        if webhook_id is not None:
            await finish(context, webhook_id, received, job.acts, until=clock.wall() + timedelta(seconds=BATCH_S))
    return job.answer


async def ask(context: Context, received: Received, answer: Callable[[], Awaitable[Response]]) -> Response:
    """A call asks what comes next: kept, then answered now or never. A repeat is answered again."""
    webhook_id = await _keep(context, received, "done")
    try:
        response = await answer()
    except Exception as error:
        count(context, received.provider, "failed")
        if webhook_id is not None:
            reason = type(error).__name__
            await transact(
                context.deps.pool, lambda conn: store.settle(conn, webhook_id, "failed", reason=reason), within_s=KEEP_S
            )
        raise
    if webhook_id is not None:
        count(context, received.provider, "accepted")
    return response


async def finish(
    context: Context,
    webhook_id: str,
    received: Received,
    acts: Sequence[Act],
    *,
    tries: int = 0,
    until: datetime | None = None,
) -> bool:
    """Acts on a request that is kept: each act in a transaction of its own, so that one that cannot be used does not
    hold up the others, and what was done before counts as repeated. True when all of it is done.

    After `until` the rest is left to the replay. Raises StoreUnavailable when the outcome cannot be written.
    """
    told: set[str] = set()
    failure: str | None = None
    late = False
    for act in acts:
        late = until is not None and context.deps.clock.wall() >= until
        if late:
            break
        with remarks() as said:
            try:
                told.update(_acted(await transact(context.deps.pool, act, within_s=ACT_S)).told)
            except Exception as error:
                failure = failure or _noted(context, received, error)
                continue
        count(context, received.provider, _result(said))
    if late and failure is None:
        wall = context.deps.clock.wall()
        await transact(
            context.deps.pool, lambda conn: store.settle(conn, webhook_id, "waiting", next_try_wall=wall),
            within_s=KEEP_S,
        )  # fmt: skip
    else:
        await settle(context, webhook_id, received, tries, failure)
    await context.deliver_now(*sorted(told)[:AT_ONCE])
    return failure is None and not late


async def settle(context: Context, webhook_id: str, received: Received, tries: int, failure: str | None) -> None:
    """Done; or, after a failure, when to try again; or given up, after which it is a person's."""
    wall = context.deps.clock.wall()

    async def work(conn: Any) -> None:
        if failure is None:
            await store.settle(conn, webhook_id, "done")
        elif tries < len(RETRIES_S):
            again = wall + timedelta(seconds=RETRIES_S[tries])
            await store.settle(conn, webhook_id, "waiting", next_try_wall=again, reason=failure)
        else:
            await store.settle(conn, webhook_id, "failed", reason=failure)
        if failure is not None and tries >= TELL_AFTER and failure != NO_LEAD:
            await put_notice(
                conn, audience="ops", kind="webhook_failed", at=context.deps.clock.business(0),
                dedupe=f"webhook_failed:{received.provider}:{received.path}:{wall:%Y-%m-%d}",
            )  # fmt: skip

    if failure is not None:
        count(context, received.provider, "failed")
    await transact(context.deps.pool, work, within_s=KEEP_S)


async def _keep_and_act(context: Context, received: Received, act: Act) -> Response | None:
    async def work(conn: Any) -> Acted:
        if await _kept(conn, context, received, "done") is None:
            said.add("repeated")
            return Acted()
        return _acted(await act(conn))

    with remarks() as said:
        try:
            acted = await transact(context.deps.pool, work, within_s=ACT_S)
        except Exception as error:
            await _keep_failed(context, received, error)
            return None
    count(context, received.provider, _result(said))
    if acted.start is not None:
        await context.start_now(acted.start)
    else:
        await context.deliver_now(*acted.told)
    return acted.answer


async def _keep_failed(context: Context, received: Received, error: Exception) -> None:
    """The request without its effect, to be tried again soon."""
    reason = _noted(context, received, error)
    again = context.deps.clock.wall() + timedelta(seconds=RETRIES_S[0])
    if await _keep(context, received, "waiting", next_try_wall=again, reason=reason):
        count(context, received.provider, "failed")


async def _keep(context: Context, received: Received, state: store.State, **more: Any) -> str | None:
    """The row's id; None, and a repeat counted, when the same request is there already."""
    webhook_id = await transact(
        context.deps.pool, lambda conn: _kept(conn, context, received, state, **more), within_s=KEEP_S
    )
    if webhook_id is None:
        count(context, received.provider, "repeated")
    return webhook_id


async def _kept(conn: Any, context: Context, received: Received, state: store.State, **more: Any) -> str | None:
    webhook_id = await store.keep(conn, received, state, **more)
    if webhook_id is None:
        await store.hurry(conn, received.digest, context.deps.clock.wall())
    return webhook_id


def _noted(context: Context, received: Received, error: Exception) -> str:
    """What failed, without what was said: the message of an error may quote a lead."""
    if isinstance(error, NotYet):
        return str(error)
    if isinstance(error, StoreUnavailable):
        context.counters.add("store_unavailable")
    else:
        context.counters.add("bugs")
    leads = [part for part in received.about if _LEAD.fullmatch(part)]
    log.error("webhook failed", provider=received.provider, path=received.path, error=type(error).__name__, leads=leads)
    return type(error).__name__


def _acted(done: Acted | str | None) -> Acted:
    return done if isinstance(done, Acted) else Acted((done,) if done else ())


def _result(said: set[Remark]) -> str:
    return "repeated" if "repeated" in said else "unknown_touch" if "unknown_touch" in said else "accepted"
