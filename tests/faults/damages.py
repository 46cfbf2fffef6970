"""What is done to a gateway under load."""

from __future__ import annotations

from tests.faults.scene import Damage, Scene


async def nothing(scene: Scene) -> None:
    """For scenarios whose trouble is in the traffic."""


def kill_in_turn(*groups: tuple[str, ...]) -> Damage:
    """kill -9 of one group of processes after the other, each started again at once."""

    async def damage(scene: Scene) -> None:
        for number, names in enumerate(groups, start=1):
            await scene.until_confirmed(number / (len(groups) + 1))
            await scene.installation.until_ready(names)
            await scene.kill(*names)
            scene.installation.start(*names)

    return damage


async def stop_everything(scene: Scene) -> None:
    """SIGTERM of every daemon at once; each must end in order, and is started again."""
    for number in range(1, scene.scale.rounds + 1):
        await scene.until_confirmed(number / (scene.scale.rounds + 1))
        names = tuple(scene.installation.daemons)
        scene.faults += len(names)
        exit_codes = await scene.installation.stop(*names)
        assert exit_codes == dict.fromkeys(names, 0)
        scene.installation.start(*names)
