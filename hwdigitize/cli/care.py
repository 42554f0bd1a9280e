"""The commands that look after results: status, retry, verify, prune."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwdigitize import errors
from hwdigitize.cli.display import clock, conservation
from hwdigitize.cli.logs import start_log
from hwdigitize.cli.running import carry_out

if TYPE_CHECKING:
    from hwdigitize.batch.care import Status

Results = Annotated[Path, typer.Argument(help="Results folder: the --out of a run.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program's."""
    for command in (status, retry, verify, prune):
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
        plain = found._asdict() | {"counts": found.counts._asdict()}
        print(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
        return
    for name, value in _rows(found):
        print(f"{name:>15}  {value}")


def _rows(found: Status) -> list[tuple[str, str]]:
    counts = found.counts
    rows = [
        ("run", found.holder or "none is writing"),
        ("files", f"{counts.files}, {counts.uncounted} not yet looked into"),
        ("pages in", conservation(counts)),
        ("files skipped", str(counts.skipped)),
        ("files vanished", str(found.vanished)),
        ("rate", f"{found.rate:.2f} pages/s"),
    ]
    if found.seconds_left is not None:
        rows.append(("left", clock(found.seconds_left)))
    rows += [(name, f"{pages} pages, such as {file}") for name, pages, file in found.problems]
    return rows


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
    print(f"{pages} pages to be read again", file=sys.stderr)
    if pages:
        where = run.cluster if cluster is None else None if cluster == "none" else cluster
        carry_out(run.inputs, results, run.settings, jobs, quiet, where)


def verify(results: Results) -> None:
    """Compare results with the ledger: hashes, sums of pages, schema; 1 if any is wrong."""
    from hwdigitize.batch.care import verify as find_wrong

    wrong = 0
    for sentence in find_wrong(results):
        print(sentence)
        wrong += 1
    print(f"{wrong} things are wrong" if wrong else "all is as it was written", file=sys.stderr)
    if wrong:
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
        print(file)
    print(f"{len(gone)} files {'would be ' * dry_run}removed", file=sys.stderr)
