#!/usr/bin/env python3
"""Gets a device's pass from the gateway's API, and prints it: as JSON, or as a link that opens the web page.

This is your own server's part: the key of the API never goes to a device; the pass, which ends soon and is
good for one device only, does.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import sys
from typing import Any

import aiohttp

Document = dict[str, Any]


async def get_pass(options: argparse.Namespace) -> Document:
    """A token and all that goes with it. Ends the program, with the reason, when the gateway refuses it.

    Raises OSError and aiohttp.ClientError when the gateway cannot tell now.
    """
    url = f"{options.gateway.rstrip('/')}/v1/applications/{options.app}/tokens"
    asked = {"user_id": options.user, "device_id": options.device, "seconds": options.seconds}
    headers = {"Authorization": f"Bearer {options.key}"}
    async with aiohttp.ClientSession() as http, http.post(url, json=asked, headers=headers) as response:
        if response.status >= 500:
            raise OSError(f"the gateway answers {response.status}")
        answer: Document = await response.json(content_type=None)
    if response.status != 201:
        sys.exit(f"the gateway gives no pass: {response.status} {answer.get('detail', answer)}")
    return answer


def link(page: str, own: Document) -> str:
    """The address that opens the page with this pass. What is behind the # goes to no server."""
    return f"{page}#pass={base64.urlsafe_b64encode(json.dumps(own).encode()).decode().rstrip('=')}"


def arguments(description: str | None) -> argparse.ArgumentParser:
    """What every client here needs to know."""
    parser = argparse.ArgumentParser(description=description)
    for name in ("app", "user", "device"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--gateway", default="http://127.0.0.1:8080", help="the web daemon's address")
    parser.add_argument(
        "--key", default=os.environ.get("CHAT_API_KEY", ""), help="of its API; default $CHAT_API_KEY"
    )
    parser.add_argument("--seconds", type=int, default=3_600, help="how long the pass is good")
    return parser


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--page", help="print a link to this address of the web page, instead of JSON")
    given = parser.parse_args()
    try:
        made = asyncio.run(get_pass(given))
    except (aiohttp.ClientError, OSError) as error:
        sys.exit(f"the gateway does not answer: {error}")
    print(link(given.page, made) if given.page else json.dumps(made, indent=2))  # noqa: T201  its job
