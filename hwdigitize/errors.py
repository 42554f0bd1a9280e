"""What stops a run, with its exit code, and what stops a page, with its code.

A run's failure is a :class:`HwdigitizeError`, caught in one place, the command line. A page's
failure is a :class:`PageError`, caught in one place, ``pipeline.digitize_page``, and becomes a
``Problem`` of that page's record.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_PAGES_FAILED = 1
EXIT_USAGE = 2
EXIT_NOTHING_TO_READ = 3
EXIT_BAD_TEMPLATE = 4
EXIT_BAD_MODEL = 5
EXIT_OUTPUT_NOT_WRITABLE = 6
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class HwdigitizeError(Exception):
    """Stops the run; its message names what is wrong and the remedy."""

    exit_code = EXIT_BUG


class UsageError(HwdigitizeError):
    """Settings or arguments that make no sense."""

    exit_code = EXIT_USAGE


class NothingToReadError(HwdigitizeError):
    """No readable file among the inputs."""

    exit_code = EXIT_NOTHING_TO_READ


class TemplateError(HwdigitizeError):
    """A form template that cannot be used."""

    exit_code = EXIT_BAD_TEMPLATE


class ModelError(HwdigitizeError):
    """A weight file or its card is missing, damaged or of another version."""

    exit_code = EXIT_BAD_MODEL


class OutputError(HwdigitizeError):
    """The output folder cannot be written."""

    exit_code = EXIT_OUTPUT_NOT_WRITABLE


class DataError(HwdigitizeError):
    """Training or evaluation data that cannot be used; the message names the remedy."""

    exit_code = EXIT_USAGE


class PageError(Exception):
    """Stops one page; ``stage`` and ``code`` are stable, the message is for a clerk."""

    def __init__(self, stage: str, code: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[PageError], tuple[str, str, str]]:
        """Keep stage and code when the error crosses a process boundary."""
        return type(self), (self.stage, self.code, self.message)
