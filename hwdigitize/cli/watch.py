"""The command that reads a folder's files as they come."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from hwdigitize.cli.display import log, shown
from hwdigitize.cli.logs import start_log
from hwdigitize.cli.running import stopping


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder that scans come into.", metavar="IN")],
    out: Annotated[Path, typer.Option(help="Results folder, as of a run.")],
    jobs: Annotated[
        int | None, typer.Option(help="Worker processes.", show_default="one a core", min=1)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings file (TOML), as of a run.", metavar="FILE")
    ] = None,
    templates: Annotated[
        Path | None, typer.Option(help="Folder of form templates.", show_default="as shipped")
    ] = None,
    look_seconds: Annotated[float, typer.Option(help="How often to look.", min=0.1)] = 10.0,
    settle_seconds: Annotated[
        float, typer.Option(help="How long a file must be unchanged to be complete.", min=0.0)
    ] = 10.0,
    report_seconds: Annotated[
        float, typer.Option(help="How often to write tables and report.", min=0.0)
    ] = 600.0,
    metrics: Annotated[
        Path | None, typer.Option(help="Text file for Prometheus.", metavar="FILE.prom")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Port for Prometheus.", min=1, max=65535)
    ] = None,
    metrics_address: Annotated[
        str, typer.Option(help="Address of this machine that the port is opened on.")
    ] = "127.0.0.1",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="A line a page.")] = False,
    log_file: Annotated[Path | None, typer.Option(help="Append everything to a file.")] = None,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Log JSON lines, to --log-file or stderr.")
    ] = False,
) -> None:
    """Read files as they become complete, in order, until SIGTERM or Ctrl-C."""
    from hwdigitize.batch.metrics import publishing
    from hwdigitize.batch.watch import Pace, watch_folder
    from hwdigitize.settings import load_settings

    start_log(log_file, quiet, verbose, log_json)
    flags = {"templates": None if templates is None else str(templates)}
    settings = load_settings(config, flags)
    pace = Pace(look_seconds, settle_seconds, report_seconds)
    stop = threading.Event()
    log.info("watching %s", folder)
    with (
        stopping(stop),
        shown(quiet or log_json) as listener,
        publishing(metrics, metrics_port, metrics_address) as publisher,
    ):
        watch_folder(
            folder, out, settings, jobs, stop, pace=pace, publisher=publisher, listener=listener
        )
    log.info("ended: stopped as asked")
