"""What is done under load to a gateway's own processes, and to the servers beneath it."""

from __future__ import annotations

import asyncio

from tests.faults.absence import Absence
from tests.faults.habits import slow, throttling
from tests.faults.knocking import Knock
from tests.faults.proxy import Proxy
from tests.faults.scene import Damage, Scene
from tests.servers.mongod import MongoServer
from tests.servers.rabbitmq import RabbitServer

_BETWEEN_CLOSINGS_SECONDS = 2.0
_SLOW_SECONDS = 1.5  # half of what is waited for
_KNOCKS = 5


async def nothing(scene: Scene) -> None:
    """For scenarios whose trouble is in the traffic."""


def kill_in_turn(*groups: tuple[str, ...]) -> Damage:
    """kill -9 of one group of processes after the other, each started again at once."""

    async def damage(scene: Scene) -> None:
        for number, names in enumerate(groups, start=1):
            await scene.until_confirmed(number / (len(groups) + 1))
            await scene.installation.until_ready(names)
            await scene.kill_and_start(*names)

    return damage


async def stop_everything(scene: Scene) -> None:
    """SIGTERM of every daemon at once; each must end in order, and is started again."""
    for number in range(1, scene.scale.rounds + 1):
        await scene.until_confirmed(number / (scene.scale.rounds + 1))
        await scene.installation.until_ready()  # a process that is only just loading knows no order yet
        names = tuple(scene.installation.daemons)
        scene.faults += len(names)
        exit_codes = await scene.installation.stop(*names)
        assert exit_codes == dict.fromkeys(names, 0), exit_codes
        scene.installation.start(*names)


def restart_rabbitmq(server: RabbitServer) -> Damage:
    """RabbitMQ is stopped and comes back; later its connections are closed by force, again and again."""

    async def damage(scene: Scene) -> None:
        await scene.until_confirmed(0.3)
        async with scene.damaged():
            await asyncio.to_thread(server.stop)
            absence = Absence(scene, "broker")
            await absence.until_noticed()
            knock = Knock(scene)
            statuses = {await knock.post(port) for port in scene.installation.web_ports}
            assert statuses == {503}, "a callback that could not be made safe is to be repeated"
            await absence.sit_out()
        await asyncio.to_thread(server.start)
        await scene.installation.until_ready()
        assert await knock.post(scene.installation.web_ports[0]) == 200
        for _ in range(scene.scale.forced_closings):
            async with scene.damaged():
                await asyncio.to_thread(server.close_connections)
                await asyncio.sleep(_BETWEEN_CLOSINGS_SECONDS)

    return damage


def lose_mongod(mongod: MongoServer) -> Damage:
    """mongod is killed and started again; later it hangs for a while."""

    async def damage(scene: Scene) -> None:
        await scene.until_confirmed(0.3)
        async with scene.damaged():
            await mongod.kill()
            await _sit_out(Absence(scene, "store"))
            await mongod.restart()
        await scene.installation.until_ready()
        await scene.until_confirmed(0.7)
        async with scene.damaged():
            mongod.suspend()
            await _sit_out(Absence(scene, "store"))
            mongod.resume()
        await scene.installation.until_ready()

    return damage


def cut_network(proxy: Proxy) -> Damage:
    """The way between the daemons and RabbitMQ: first nothing comes through, later all is refused."""

    async def damage(scene: Scene) -> None:
        await scene.until_confirmed(0.3)
        async with scene.damaged():
            proxy.silence()
            await Absence(scene, "broker").sit_out()
        proxy.resume()
        await scene.until_confirmed(0.7)
        async with scene.damaged():
            await proxy.refuse()
            await _sit_out(Absence(scene, "broker"))
        await proxy.listen()
        await scene.installation.until_ready()

    return damage


async def _sit_out(absence: Absence) -> None:
    await absence.until_noticed()
    await absence.sit_out()


async def trouble_provider(scene: Scene) -> None:
    """The provider is down, then slow, then too busy, and then well."""
    scale, rules = scene.scale, scene.traffic.rules
    await scene.until_confirmed(0.2)
    scene.faults += 1
    scene.in_flight += scene.installation.most_in_flight
    await scene.installation.provider_proxy.refuse()
    await asyncio.sleep(scale.provider_away_seconds)
    await scene.installation.provider_proxy.listen()
    for phase in (slow(rules, _SLOW_SECONDS), throttling(rules, retry_after_seconds=1), rules):
        await scene.simulator.put_rules(phase)
        await asyncio.sleep(scale.provider_bad_seconds)
    scene.faults += 2


async def knock_everywhere(scene: Scene) -> None:
    """The same callback at every web daemon at once, again and again."""
    for number in range(_KNOCKS):
        await scene.until_confirmed((number + 1) / (_KNOCKS + 1))
        knock = Knock(scene)
        answers = await asyncio.gather(*(knock.post(port) for port in scene.installation.web_ports * 3))
        assert set(answers) == {200}
