"""The `imgw` command line: every command with its arguments, and how what goes wrong is said.

What a command does is in processors/commands and imported when it runs: `--help` need not wait for the
drivers of a broker and a database.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__
from gateway.errors import ConfigurationError, GatewayError
from processors.cli_arguments import Daemons, Folder, LetterId, LetterIdOrNone, MqttBrokers, OfAccount, Reason

EXIT_RUNTIME = 1
EXIT_CONFIGURATION = 78  # EX_CONFIG: restarting does not help


app = typer.Typer(
    name="imgw",
    help="The messaging gateway: its daemons, and everything an operator does with them. "
    "Settings come from IMGW_* variables; see the README.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
tx = typer.Typer(help="The log of messages.", no_args_is_help=True)
dr = typer.Typer(help="Delivery receipts, as they came from providers.", no_args_is_help=True)
unmatched = typer.Typer(help="Receipts that never found their MT.", no_args_is_help=True)
provider = typer.Typer(help="One provider, through an account.", no_args_is_help=True)
dead = typer.Typer(help="Dead letters: messages that could not be dealt with.", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"im-gateway {__version__}")
        raise typer.Exit


@app.command()
def run(
    what: Annotated[Daemons, typer.Argument(help="Which daemon, or all of them in one process.")],
) -> None:
    """Run a daemon until SIGTERM: mt, mo, dr (with the expiry monitor), retry, web, rtm, or all in one
    process."""
    from processors.commands import daemons

    daemons.run(what.value)


@app.command("apply")
def apply_command(
    folder: Folder = Path("config"),
    prune: Annotated[
        bool,
        typer.Option(
            help="Also remove what is stored and not in the files. The people, threads and topics of an"
            " application stay; DELETE /v1/applications/<app_id>, before, takes them away, too."
        ),
    ] = False,
) -> None:
    """Write applications and accounts to the store, all or nothing. Daemons follow within seconds."""
    from processors.commands import configure

    configure.apply_folder(folder, prune=prune)


@app.command()
def check(
    folder: Folder = Path("config"),
    connect: Annotated[bool, typer.Option(help="Also connect to the broker and the store.")] = False,
) -> None:
    """Check the settings and the configuration files; says every problem there is, and changes nothing."""
    from processors.commands import configure

    configure.check(folder, connect=connect)


@app.command("secret-key")
def secret_key() -> None:
    """Print a new key for IMGW_SECRETS__KEY."""
    from processors.commands import configure

    configure.secret_key()


@app.command()
def providers() -> None:
    """Show the providers there are and what each can do."""
    from processors.commands import providers

    providers.show()


@provider.command("test")
def provider_test(
    account: Annotated[str, typer.Argument(help="The account's name, as it was applied.")],
) -> None:
    """Ask the provider whether it takes the account's credentials. Exit code 1 when it does not."""
    from processors.commands import provider_test

    _succeed(provider_test.test(account))


@app.command()
def send(
    app_id: Annotated[str, typer.Option("--app", help="The application.")] = "",
    to: Annotated[str, typer.Option(help="The recipient.")] = "",
    text: Annotated[str, typer.Option(help="The text.")] = "",
    channel: Annotated[str | None, typer.Option(help="The channel; routing picks the account.")] = None,
    account: Annotated[str | None, typer.Option(help="An account by name, instead of a channel.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A whole MT as JSON instead; - for standard input.")
    ] = None,
    wait_seconds: Annotated[
        float, typer.Option("--wait", help="How long to follow it, in seconds; 0 for not at all.")
    ] = 60,
) -> None:
    """Publish one MT on imgw.mt and follow it until it has ended. Exit code 1 when it was not delivered."""
    from processors.commands import send

    given = {"app_id": app_id, "to": to, "channel": channel, "account": account}
    _succeed(send.send(file, given, text, wait_seconds))


@tx.command("show")
def tx_show(
    message_id: Annotated[str, typer.Argument(help="The message id, as it was published.")],
    app_id: Annotated[str | None, typer.Option("--app", help="Only of this application.")] = None,
) -> None:
    """Show the whole history of an MT: every step, every receipt, every reason. Not what it says."""
    from processors.commands import transactions

    _succeed(transactions.show(message_id, app_id))


@unmatched.command("list")
def dr_unmatched_list(account: OfAccount = None) -> None:
    """List them: when they came, from which account, for which message, and with which status."""
    from processors.commands import receipts

    receipts.list_unmatched(account)


@unmatched.command("replay")
def dr_unmatched_replay(account: OfAccount = None) -> None:
    """Put them on the queue of receipts again, as if they had just come."""
    from processors.commands import receipts

    receipts.replay_unmatched(account)


@dead.command("list")
def dead_list(reason: Reason = None) -> None:
    """List the dead letters: when, from which queue, and why."""
    from processors.commands import dead

    dead.list_letters(reason)


@dead.command("show")
def dead_show(letter_id: LetterId) -> None:
    """Show one dead letter whole, its body included. A body may hold what a person wrote."""
    from processors.commands import dead

    _succeed(dead.show(letter_id))


@dead.command("replay")
def dead_replay(letter_id: LetterIdOrNone = None, reason: Reason = None) -> None:
    """Put one back on the queue it came from, or all with a reason; what has to stay is named.

    Exit code 1 when there is none, or when one has to stay.
    """
    from processors.commands import dead

    _need_one(letter_id, reason)
    _succeed(dead.replay(letter_id, reason))


@dead.command("discard")
def dead_discard(letter_id: LetterIdOrNone = None, reason: Reason = None) -> None:
    """Throw one away for good, or all with a reason. Exit code 1 when there is none."""
    from processors.commands import dead

    _need_one(letter_id, reason)
    _succeed(dead.discard(letter_id, reason))


@app.command()
def audit() -> None:
    """Check the conservation law: accepted = ended + under way. Exit code 1 when it does not hold."""
    from processors.commands import audit

    _succeed(audit.check())


@app.command()
def simulate(
    config: Annotated[
        Path, typer.Argument(help="The accounts it plays the provider for, and its rules.", dir_okay=False)
    ] = Path("config/simulator.yaml"),
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.")] = 9090,
    bare: Annotated[
        bool,
        typer.Option("--bare", help="For benchmarks: take every message at once, without any configuration."),
    ] = False,
) -> None:
    """Play the providers: take what the gateway sends, post receipts and replies back, fail as rules say."""
    from processors.commands import simulate

    simulate.simulate(None if bare else config, host, port)


@app.command()
def demo(
    config: Annotated[Path, typer.Option(help="The sample configuration.", exists=True)] = Path("config"),
    folder: Annotated[Path, typer.Option(help="Where the demonstration keeps its data.")] = Path(
        ".imgw/demo"
    ),
    mqtt: Annotated[
        MqttBrokers,
        typer.Option(
            metavar="WHICH", help="The MQTT broker of the in-app part: mosquitto, amqtt, any or none."
        ),
    ] = MqttBrokers.ANY,
) -> None:
    """Run the main job on the embedded default: 300 and more messages, three simulated providers, replies;
    and a conversation in-app, where there is an MQTT broker.

    Exit code 0 only if every message is accounted for.
    """
    from processors.commands import demo

    demo.demo(config, folder, mqtt.value)


@app.command()
def generate(
    check: Annotated[bool, typer.Option("--check", help="Only say what is out of date.")] = False,
    root: Annotated[Path, typer.Option(help="The project's folder.", file_okay=False)] = Path(),
) -> None:
    """For people who change the code: write config/schema and the generated parts of the README."""
    from processors.commands import generate

    generate.generate(root, check=check)


app.add_typer(provider, name="provider")
app.add_typer(tx, name="tx")
app.add_typer(dead, name="dead")
dr.add_typer(unmatched, name="unmatched")
app.add_typer(dr, name="dr")


def _need_one(letter_id: str | None, reason: str | None) -> None:
    if (letter_id is None) == (reason is None):
        raise typer.BadParameter("give either an id or --reason")


def _succeed(good: bool) -> None:
    if not good:
        raise typer.Exit(EXIT_RUNTIME)


def main() -> None:
    """Run the command; what went wrong is said in one line each, and by the exit code."""
    try:
        app()
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"imgw: {problem}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    except (GatewayError, OSError) as error:
        typer.echo(f"imgw: {error}", err=True)
        sys.exit(EXIT_RUNTIME)
