"""`speedlead widget`: the element that turns a page's form into an intake form, and what has to be allowed for it."""

from typing import Annotated

import typer

app = typer.Typer(help="The widget for forms of other pages: its tag, and what has to be allowed (docs/widget.md).")


@app.callback(invoke_without_command=True)
def widget(
    pinned: Annotated[
        bool, typer.Option("--pinned", help="This very version: with its checksum, and to be changed at each release.")
    ] = False,
) -> None:
    """Print the tag for the page, the form's address, and which sites may send it."""
    from speedlead.settings import load_settings
    from speedlead.widget.origins import parse_origins
    from speedlead.widget.script import script, tag

    settings = load_settings()
    url, found = settings.public_url, script()
    named = parse_origins(settings.widget_origins)
    print(tag(url, pinned=pinned))
    print(f"\nversion        {found.version}, {len(found.packed):,} bytes on the wire")
    print(f"integrity      {found.integrity}")
    for form in ("demo", *sorted(named.by_form)):
        sites = sorted(named.everywhere | named.by_form.get(form, frozenset()))
        print(f"form {form:<10}action={url}/f/{form}")
        print(f"     {'':<10}sent by script from {', '.join(sites) or 'no site: set SPEEDLEAD_WIDGET_ORIGINS'}")
    print(f"page's policy  script-src {url}; connect-src {url}; form-action {url}")
