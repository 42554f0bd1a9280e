"""The commands for results that are there: status, retry, verify, prune, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwdigitize import errors
from hwdigitize.cli.display import (
    clock,
    conservation,
    counted,
    left_out,
    print_rows,
    printable,
    worst,
)
from hwdigitize.cli.logs import start_log
from hwdigitize.cli.running import carry_out

if TYPE_CHECKING:
    from hwdigitize.batch.care import Status

Results = Annotated[Path, typer.Argument(help="Results folder: the --out of a run.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program's."""
    for command in (status, retry, verify, prune, export):
        app.command()(command)


def status(
    results: Results,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say how a run stands: pages, rate, time left, worst problems. Works while it runs."""
    import msgspec

    from hwdigitize.batch.care import status as look

    found = look(results)
    if as_json:
        names = ("problem", "pages", "file")
        problems = [dict(zip(names, problem, strict=True)) for problem in found.problems]
        plain = found._asdict() | {"counts": found.counts._asdict(), "problems": problems}
        print(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
        return
    print_rows(_rows(found), sys.stdout)


def _rows(found: Status) -> list[tuple[str, str]]:
    counts = found.counts
    left = "" if found.seconds_left is None else f", {clock(found.seconds_left)} left"
    return [
        ("run", found.holder or _ended(found)),
        ("files", str(counts.files)),
        ("pages in", conservation(counts)),
        *left_out(counts, found.vanished),
        *([("rate", f"{found.rate:.2f} pages/s{left}")] if found.rate else []),
        *worst(found.problems),
    ]


def _ended(found: Status) -> str:
    if found.counts.waiting + found.counts.running + found.counts.uncounted:
        return "ended before all was read; start the same command again to go on"
    return "ended, all is read"


def retry(
    results: Results,
    quarantined: Annotated[
        bool, typer.Option("--quarantined", help="Of those of --only, what failed alone.")
    ] = False,
    only: Annotated[
        str | None, typer.Option(help="Files to read again, such as 'a/*.pdf'.", metavar="GLOB")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Worker processes.", show_default="one a core", min=1)
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Where to read, as of run; none for --jobs processes here.",
            show_default="as the last run",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
    log_file: Annotated[Path | None, typer.Option(help="Append everything to a file.")] = None,
) -> None:
    """Read pages again as the last run did, with its inputs: what failed, or --only."""
    from hwdigitize.batch.care import retry as let_wait

    start_log(log_file, quiet, verbose=False)
    pages, run = let_wait(results, only, quarantined)
    print(f"to be read again: {counted(pages, 'page')}", file=sys.stderr)
    if pages:
        where = run.cluster if cluster is None else None if cluster == "none" else cluster
        carry_out(run.inputs, results, run.settings, jobs, quiet, where)


def verify(
    results: Results,
    mend: Annotated[
        bool, typer.Option("--mend", help="Have the next run make again what is wrong.")
    ] = False,
) -> None:
    """Compare results with the ledger: hashes, sums of pages, schema; 1 if any is wrong."""
    from hwdigitize.batch.care import verify as find_wrong

    wrong = 0
    for sentence in find_wrong(results, mend):
        print(printable(sentence))
        wrong += 1
    if not wrong:
        print("all is as it was written", file=sys.stderr)
        return
    remedy = (
        "start the run again, which makes it again"
        if mend
        else f"`hwdigitize verify {results} --mend` has the next run make it again"
    )
    print(f"{counted(wrong, 'thing')} wrong; {remedy}", file=sys.stderr)
    raise typer.Exit(errors.EXIT_PAGES_FAILED)


def prune(
    results: Results,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, remove nothing.")
    ] = False,
) -> None:
    """Remove the outputs of inputs that are gone, both from the last run and from the disk."""
    from hwdigitize.batch.care import prune as remove

    gone = remove(results, keep=dry_run)
    for file in gone:
        print(printable(file))
    count = counted(len(gone), "file")
    print(f"outputs of {count} {'would be ' * dry_run}removed", file=sys.stderr)


def export(
    results: Results,
    out: Annotated[Path, typer.Option(help="Folder to write to.", metavar="FOLDER")],
    kind: Annotated[str, typer.Option("--format", help="alto, page, hocr or text.")] = "alto",
) -> None:
    """Write what was read as ALTO, PAGE, hOCR or plain text, for other programs."""
    from hwdigitize.batch.interchange import export as write

    written = write(results, kind, out)
    print(f"{counted(written.files, 'file')} in {out}", file=sys.stderr)
    if written.failed_pages:
        print(f"{counted(written.failed_pages, 'page')} failed, without text", file=sys.stderr)
    if written.unfinished:
        print(
            f"{counted(written.unfinished, 'input file')} left out, not read to the end yet; "
            "export again after the next run",
            file=sys.stderr,
        )
