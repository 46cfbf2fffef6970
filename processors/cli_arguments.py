"""What commands take, where several take the same or there is a fixed choice."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Daemons(StrEnum):
    """What `imgw run` can run."""

    MT = "mt"
    MO = "mo"
    DR = "dr"
    RETRY = "retry"
    WEB = "web"
    RTM = "rtm"
    ALL = "all"


class MqttBrokers(StrEnum):
    """What `imgw demo` can start as an MQTT broker."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"
    ANY = "any"
    NONE = "none"


Folder = Annotated[
    Path, typer.Argument(help="The folder with applications/ and accounts/.", file_okay=False, exists=True)
]
LetterId = Annotated[str, typer.Argument(metavar="ID", help="The id that `imgw dead list` shows.")]
LetterIdOrNone = Annotated[
    str | None, typer.Argument(metavar="ID", help="The id that `imgw dead list` shows.")
]
OfAccount = Annotated[str | None, typer.Option("--account", help="Only of this account.")]
Reason = Annotated[str | None, typer.Option("--reason", help="All with this reason.")]
