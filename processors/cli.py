"""The `imgw` command: the daemons, and everything an operator does with them."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console

from gateway import __version__
from gateway.errors import ConfigurationError, GatewayError
from processors.commands import audit, configure, daemons, dead, demo, generate, providers, send, transactions

EXIT_RUNTIME = 1
EXIT_CONFIGURATION = 78  # EX_CONFIG: restarting does not help
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="imgw",
    help="The messaging gateway: its daemons, and everything an operator does with them. "
    "Settings come from IMGW_* variables; see the README.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (daemons, configure, providers, send, transactions, dead, audit, demo, generate):
    module.register(app)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        Console().print(f"im-gateway {__version__}", highlight=False)
        raise typer.Exit


def main() -> None:
    """Run the command; what went wrong is said in one line each, and by the exit code."""
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app()
    except ConfigurationError as error:
        for problem in error.problems:
            err.print(f"imgw: {problem}", markup=False)
        sys.exit(EXIT_CONFIGURATION)
    except GatewayError as error:
        err.print(f"imgw: {error}", markup=False)
        sys.exit(EXIT_RUNTIME)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(EXIT_INTERRUPTED)
