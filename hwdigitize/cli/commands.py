"""The commands: parse, one library call, print.

What costs time to import is imported by the command that needs it, after parsing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwdigitize import errors
from hwdigitize.cli import care, templates
from hwdigitize.cli import models as networks
from hwdigitize.cli.display import log
from hwdigitize.cli.logs import start_log
from hwdigitize.cli.running import carry_out
from hwdigitize.cli.watch import watch

if TYPE_CHECKING:
    from hwdigitize.batch.embed import PageHand
    from hwdigitize.settings import Settings

#: commands of hwdigitize.training.cli, which is imported only when one of them is called
TRAINING = {
    "train": "Train a network on your own data.",
    "evaluate": "Measure a network on data with known truth.",
    "data": "Look into training data.",
}

Models = Annotated[
    Path | None, typer.Option(help="Folder with the weights.", show_default="as shipped")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what happens to each page.")
]
LogFile = Annotated[Path | None, typer.Option(help="Append everything that happens to a file.")]
LogJson = Annotated[
    bool, typer.Option("--log-json", help="Log JSON lines, to --log-file or standard error.")
]
Config = Annotated[
    Path | None, typer.Option(help="Settings file (TOML); flags go before it.", metavar="FILE")
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit with the code that docs/cli.md promises."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        build_app(given)(given, prog_name="hwdigitize")
    except errors.HwdigitizeError as error:
        log.error("%s", error)
        fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(errors.EXIT_OK)
    except Exception as error:  # a bug; the one place where it becomes an exit code
        log.critical("bug", exc_info=error)
        where = "" if len(log.handlers) > 1 else "; run again with --verbose to see where"
        fail(f"bug, please report it: {type(error).__name__}: {error}{where}", errors.EXIT_BUG)


def fail(message: str, code: int) -> None:
    """Say why the program ends, and end it."""
    print(f"hwdigitize: {message}", file=sys.stderr)
    sys.exit(code)


def build_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Put the commands together, importing those of training only if one is called."""
    app = typer.Typer(
        help="Turn scanned forms and handwritten pages into data that can be trusted.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.command()(run)
    writers = typer.Typer(help="Known writers: enrol, list, identify.", no_args_is_help=True)
    writers.command("enrol")(writers_enrol)
    writers.command("list")(writers_list)
    writers.command("identify")(writers_identify)
    app.add_typer(writers, name="writers")
    app.add_typer(networks.app, name="models")
    app.add_typer(templates.app, name="template")
    app.command()(watch)
    care.add_to(app)
    app.command()(version)
    if find_spec("hwdigitize.training.cli") is not None:
        if arguments and arguments[0] in TRAINING:
            app.add_typer(import_module("hwdigitize.training.cli").app)
        else:
            for name, text in TRAINING.items():
                app.command(name, help=text)(lambda: None)
    return app


def run(
    inputs: Annotated[
        list[str], typer.Argument(help="Scans, PDFs and folders of them; or URLs of them.")
    ],
    out: Annotated[str, typer.Option(help="Results folder or URL; a run begun there goes on.")],
    jobs: Annotated[
        int | None, typer.Option(help="Worker processes.", show_default="one a core", min=1)
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Read on a Dask cluster: tcp://HOST:8786, local:WORKERS or a YAML file.",
            show_default="in --jobs processes here",
        ),
    ] = None,
    config: Config = None,
    dpi: Annotated[int | None, typer.Option(help="Resolution to render PDFs at.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="PDF passwords, one a line.", metavar="FILE")
    ] = None,
    templates: Annotated[
        Path | None, typer.Option(help="Folder of form templates.", show_default="as shipped")
    ] = None,
    max_error: Annotated[
        str | None,
        typer.Option(help="Wrong values allowed among those accepted, such as 1% or 0.01."),
    ] = None,
    gallery: Annotated[Path | None, typer.Option(help="Known writers, to name them.")] = None,
    models: Models = None,
    decoder: Annotated[str | None, typer.Option(help="greedy or beam.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Words to expect: none, en, fr, names, en+fr, …")
    ] = None,
    flag_below: Annotated[
        float | None, typer.Option(help="Confidence below which a person is asked.")
    ] = None,
    page_seconds: Annotated[float | None, typer.Option(help="Time limit of a page.")] = None,
    worker_megabytes: Annotated[
        int | None, typer.Option(help="Memory limit of a worker.")
    ] = None,
    max_megapixels: Annotated[
        float | None, typer.Option(help="Size above which a page is refused.")
    ] = None,
    orient: Annotated[bool | None, typer.Option(help="Turn pages upright.")] = None,
    deskew: Annotated[bool | None, typer.Option(help="Straighten skewed pages.")] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be read anew and why; read nothing."),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    log_json: LogJson = False,
) -> None:
    """Digitize scans into a results folder: JSON, CSV tables and an HTML report.

    Started again with the same folder, it goes on where it ended and reads nothing twice.
    Ends with 0 when all pages are read, 1 when some failed; docs/cli.md has all exit codes.
    """
    from hwdigitize.settings import load_settings

    start_log(log_file, quiet, verbose, log_json)
    flags = {
        "dpi": dpi,
        "password_file": _text(password_file),
        "templates": _text(templates),
        "max_error": _share(max_error),
        "gallery": _text(gallery),
        "models": _text(models),
        "decoder": decoder,
        "language": language,
        "flag_below": flag_below,
        "page_seconds": page_seconds,
        "worker_megabytes": worker_megabytes,
        "max_megapixels": max_megapixels,
        "orient": orient,
        "deskew": deskew,
    }
    settings = load_settings(config, flags)
    if dry_run:
        _say_plan(inputs, out, settings)
    else:
        carry_out(inputs, out, settings, jobs, quiet, cluster)


def _say_plan(inputs: list[str], out: str, settings: Settings) -> None:
    """What would be read anew, and why."""
    from hwdigitize.batch.plan import plan_run
    from hwdigitize.batch.remote import results_at

    with results_at(out) as folder:
        reasons = list(plan_run(inputs, folder, settings).reasons)
    for reason, amount in reasons:
        print(f"{reason}\t{amount}")
    if not reasons:
        print("nothing is to be read", file=sys.stderr)


def writers_enrol(
    gallery: Annotated[Path, typer.Argument(help="Gallery file; made if it is not there.")],
    name: Annotated[str, typer.Argument(help="Who wrote the pages.")],
    files: Annotated[list[Path], typer.Argument(help="Pages by that writer alone.")],
    models: Models = None,
) -> None:
    """Add pages of a writer to a gallery."""
    import numpy as np

    from hwdigitize.recognition.writers import Gallery

    folder = _text(models)
    known = Gallery.load(gallery, folder) if gallery.exists() else Gallery.empty(folder)
    hands, failed = _embed(files, None, models)
    if not hands:
        raise errors.NothingToReadError("no handwriting on these pages; nothing was enrolled")
    known.enrol(name, np.stack([hand.embedding for hand in hands])).save(gallery)
    print(f"{gallery}: {name} enrolled with {len(hands)} pages", file=sys.stderr)
    _end_after(failed)


def writers_list(
    gallery: Annotated[Path, typer.Argument(help="Gallery file.")], models: Models = None
) -> None:
    """List the writers of a gallery with their pages."""
    from collections import Counter

    from hwdigitize.recognition.writers import Gallery

    for name, pages in sorted(Counter(Gallery.load(gallery, _text(models)).names).items()):
        print(f"{name}\t{pages}")


def writers_identify(
    gallery: Annotated[Path, typer.Argument(help="Gallery file.")],
    files: Annotated[list[Path], typer.Argument(help="Pages to name the writers of.")],
    models: Models = None,
) -> None:
    """Name the writer of each page: file, page, nearest writer, probability, known or not."""
    hands, failed = _embed(files, gallery, models)
    for hand in hands:
        writer = hand.writer
        score = "" if writer.score is None else f"{writer.score:.3f}"
        known = "known" if writer.known else "unknown"
        print(f"{hand.file}\t{hand.page}\t{writer.id or ''}\t{score}\t{known}")
    _end_after(failed)


def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    print(installed("hwdigitize"))


# Behind the commands.


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _share(text: str | None) -> float | None:
    """A share between 0 and 1, given as such or in percent."""
    if text is None:
        return None
    try:
        share = float(text.rstrip("% ")) / (100 if "%" in text else 1)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise errors.UsageError(f"--max-error {text}: give a share such as 1% or 0.01")
    return share


def _end_after(failed: int) -> None:
    if failed:
        raise typer.Exit(errors.EXIT_PAGES_FAILED)


def _embed(
    files: list[Path], gallery: Path | None, models: Path | None
) -> tuple[list[PageHand], int]:
    """Pages that show handwriting, and how many failed; says of the others why not."""
    from hwdigitize.batch.embed import embed_files
    from hwdigitize.settings import load_settings

    flags = {"gallery": _text(gallery), "models": _text(models), "report_images": False}
    written, failed = [], 0
    for hand in embed_files(files, load_settings(None, flags)):
        if len(hand.embedding):
            written.append(hand)
        else:
            failed += bool(hand.problem)
            reason = hand.problem or "no handwriting found"
            print(f"{hand.file}, page {hand.page}: {reason}", file=sys.stderr)
    return written, failed
