"""`imgw audit`: does every accepted message have its end, and where is what has none yet?"""

from __future__ import annotations

from rich.table import Table

from gateway.broker.topology import QUEUES, RTM_IN, lane, shard
from gateway.errors import BrokerUnavailable
from gateway.store.catalog import account_names
from processors.audit import Audit, audit
from processors.commands.session import Servers, command_settings, open_servers, out, run

_FROM_AMQ_TOPIC = {"provider": "rtm", "parameters.inbound": "amq_topic"}


def check() -> bool:
    """Show the audit; whether the law holds."""
    return run(_audit())


async def _audit() -> bool:
    async with open_servers(command_settings()) as servers:
        result = await audit(servers.transactions)
        depths = await _depths(servers)
        trouble = await _add_rtm_in(servers, depths)
        received, unmatched = await servers.inbound.count_mo(), await servers.inbound.count_unmatched()
    out.print(_table(result))
    out.print(f"MO received: {received}; receipts without an MT: {unmatched}")
    out.print("queues: " + (", ".join(f"{name} {depth}" for name, depth in depths.items()) or "all empty"))
    if trouble is not None:
        out.print(trouble)
    for what, count in result.broken.items():
        out.print(f"broken: {count} MT {what}")
    out.print("the conservation law holds" if result.holds else "the conservation law does NOT hold")
    return result.holds


async def _depths(servers: Servers) -> dict[str, int]:
    """Every queue with something in it, the lanes of the accounts and the shards included."""
    names = [queue.name for queue in QUEUES]
    names += [shard(number) for number in range(servers.settings.broker.mt_shards)]
    for account in await account_names(servers.database):
        names.append(lane(account))
        await servers.broker.declare_queue(lane(account), {}, single_active_consumer=True)
    depths = {name: await servers.broker.depth(name) for name in names}
    return {name: depth for name, depth in depths.items() if depth}


async def _add_rtm_in(servers: Servers, depths: dict[str, int]) -> str | None:
    """Where an account takes what devices publish from amq.topic, the queue that they are in; what is wrong
    when it cannot be looked at. Only who reads it declares it: while it is missing, what devices publish goes
    nowhere, which an audit must neither mend nor hide."""
    if servers.settings.broker.url is None or not await account_names(servers.database, _FROM_AMQ_TOPIC):
        return None
    try:
        depth = await servers.broker.depth(RTM_IN)
    except BrokerUnavailable as error:
        return str(error)
    if depth:
        depths[RTM_IN] = depth
    return None


def _table(result: Audit) -> Table:
    table = Table(box=None, show_header=False)
    table.add_row("accepted", str(result.accepted))
    for status, count in result.ended.items():
        table.add_row(f"  ended as {status.value}", str(count))
    for status, count in result.under_way.items():
        table.add_row(f"  under way, {status.value}", str(count))
    if result.overdue:
        table.add_row("  of these overdue", str(result.overdue))
    return table
