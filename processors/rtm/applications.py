"""The application that a device speaks to, where its clients may come by the account that it came by."""

from __future__ import annotations

from gateway.model.application import Application
from gateway.rtm.refusals import RtmRefused
from processors.catalogue import Configured


async def application_for(configured: Configured, app_id: str, account: str) -> Application:
    """One that has just been made is found, too.

    Raises RtmRefused with `unknown_application` where there is none, or none that serves this account; and
    StoreUnavailable.
    """
    if app_id not in configured.current.applications:
        await configured.catch_up()
    application = configured.current.applications.get(app_id)
    if application is None or not application.serves(account):
        raise RtmRefused("unknown_application")
    return application
