"""The command line: parse, one library call, print. Only here does anything print or exit."""

from hwdigitize.cli.commands import build_app, main

__all__ = ["build_app", "main"]
