"""What happens, as lines for people or as JSON lines for programs."""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
from datetime import UTC, datetime
from pathlib import Path

from hwdigitize import errors
from hwdigitize.cli.display import log


def start_log(log_file: Path | None, quiet: bool, verbose: bool, as_json: bool = False) -> None:
    """Send what happens to the log file, and with ``verbose`` to the terminal.

    JSON lines go to the log file, or to standard error where there is none. A log file that was
    moved away, as log rotation does, is made anew.

    Raises:
        OutputError: the log file cannot be written.
    """
    log.setLevel(logging.DEBUG)
    if (verbose and not quiet) or (as_json and log_file is None):
        handler: logging.Handler = logging.StreamHandler(sys.stderr)
        if as_json:
            handler.setFormatter(JsonLines())
        else:  # errors are said anyway
            handler.addFilter(lambda record: record.levelno != logging.ERROR)
        log.addHandler(handler)
    if log_file is not None:
        try:
            handler = logging.handlers.WatchedFileHandler(log_file, encoding="utf-8")
        except OSError as error:
            reason = f"cannot write log file {log_file}: {error.strerror}"
            raise errors.OutputError(reason) from error
        plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
        handler.setFormatter(JsonLines() if as_json else plain)
        log.addHandler(handler)


class JsonLines(logging.Formatter):
    """A JSON object a line: time, level, message, and what of the page is known.

    ``page_id`` is the page's name in the report, the same in every run.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Make one line; whatever a file name holds, JSON escapes it."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat("T", "milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)
