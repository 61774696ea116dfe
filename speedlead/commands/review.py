"""`speedlead review`: one week's review, shown, written as the mail would be, or sent."""

from pathlib import Path
from typing import Annotated, Any

import typer

from speedlead.steer_command import run_command

app = typer.Typer(help="The weekly review: figures, lost time, leads worth reading, goals.")


@app.callback(invoke_without_command=True)
def review(
    week: Annotated[str, typer.Option(help="Such as 2026-W47; without it the newest that is due")] = "",
    html: Annotated[Path | None, typer.Option(help="Write the mail's HTML part to this file")] = None,
    send: Annotated[bool, typer.Option("--send", help="Keep it, and mail it to who did not get it yet")] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Compose it once more, in place of the one that is kept")
    ] = False,
) -> None:
    """Show the review that is kept, else one composed now. Only --send and --anew keep it; --send mails each once."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.credentials import load_or_create
        from speedlead.domain.review_week import week_named
        from speedlead.providers.assemble import open_senders
        from speedlead.review.desk import ReviewDesk
        from speedlead.review.mail import html_of, text_of

        credentials = load_or_create(settings.data_dir)
        desk = ReviewDesk(pool, settings, credentials, SystemClock())
        asked = week_named(week) if week else desk.due()
        if asked.bounds(desk.zone)[1] > desk.clock.wall() and (send or anew):
            raise ValueError(f"--week: {asked.name} is not over yet, so it cannot be kept or sent")
        if send or anew:
            found = await desk.made(asked, anew=anew)
        else:
            found = await desk.kept(asked) or await desk.composed(asked)
        if html is not None:
            url = f"{settings.staff_url}/review/{asked.name}"
            html.write_text(html_of(found, settings.company_name, settings.staff_url, url), "utf-8")
            print(f"{html}: written")
        if send:
            async with open_senders(settings, credentials) as senders:
                print(f"{asked.name}: sent to {await desk.send(found, senders.mailer)}")
        if html is None and not send:
            print(text_of(found), end="")
        return 0

    run_command(work)
