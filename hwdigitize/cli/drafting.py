"""The commands that make and change templates: draft, edit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwdigitize import errors

if TYPE_CHECKING:
    from hwdigitize.forms.draft import BlankPage


def draft(
    form_id: Annotated[str, typer.Option("--id", help="Id of the template.")],
    blank: Annotated[
        Path | None, typer.Argument(help="The empty form: a PDF or an image.")
    ] = None,
    from_filled: Annotated[
        Path | None,
        typer.Option(help="Folder of filled scans, where there is no empty form."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of templates to add it to.")] = Path(
        "templates"
    ),
    title: Annotated[str, typer.Option(help="Title.", show_default="as printed")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the template.")] = False,
) -> None:
    """Write a first template: find fields on an empty form, name them by their labels.

    Look it through with `template edit` afterwards.
    """
    from hwdigitize.drafting import draft_template
    from hwdigitize.forms.template import FILE, load_template, save_template

    if (blank is None) == (from_filled is None):
        raise errors.UsageError("give an empty form, or --from-filled with a folder of scans")
    folder = out / form_id
    if (folder / FILE).exists() and not force:
        raise errors.UsageError(f"{folder / FILE} is there already; --force replaces it")
    template, blanks, drafted = draft_template(_pages(blank, from_filled), form_id, title)
    save_template(template, folder, blanks)
    load_template(folder)
    for note in drafted.notes:
        print(note, file=sys.stderr)
    print(f"{folder / FILE}: {len(blanks)} pages, {len(template.fields)} fields")
    print(f"next: hwdigitize template edit {form_id} --templates {out}", file=sys.stderr)


def edit(
    template: Annotated[str, typer.Argument(help="Id, or folder with form.toml.")],
    templates: Annotated[Path, typer.Option(help="Folder of templates.")] = Path("templates"),
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0)] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, open nothing.")
    ] = False,
) -> None:
    """Edit a template's fields over its blank, in the browser.

    The page is served to this machine alone, at an address that nobody can guess. Ctrl-C ends.
    """
    import webbrowser

    from hwdigitize.forms.template import FILE
    from hwdigitize.review.editor import open_editor

    named = Path(template)
    folder = named if (named / FILE).is_file() or "/" in template else templates / template
    with open_editor(folder, port) as editor:
        print(editor.url)
        print("editing; Ctrl-C ends", file=sys.stderr)
        if not no_browser:
            webbrowser.open(editor.url)
        editor.serve()


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of templates."""
    app.command()(draft)
    app.command()(edit)


def _pages(blank: Path | None, from_filled: Path | None) -> list[BlankPage]:
    from hwdigitize.drafting import blank_from_filled, load_blank_pages

    if from_filled is not None:
        return blank_from_filled(from_filled)
    assert blank is not None
    return load_blank_pages(blank)
