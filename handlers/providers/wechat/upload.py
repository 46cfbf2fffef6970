"""Brings media that lie at a URL to WeChat, which sends only what was uploaded to it before."""

from __future__ import annotations

import hashlib

from pydantic import ValidationError

from gateway.errors import FailureKind, ProviderError
from gateway.model.content import MediaContent
from gateway.transports.classify import unreadable
from gateway.transports.port import Transports
from handlers.contract import MediaKind, MediaRule
from handlers.providers.wechat import wire
from handlers.providers.wechat.api import Api, Call
from handlers.shared.uploads import download, repeatable

# The endings count: WeChat goes by the name of the file.
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "video/mp4": "mp4",
}
MEDIA: dict[MediaKind, MediaRule] = {
    "image": MediaRule(frozenset({"image/png", "image/jpeg", "image/gif"}), most_bytes=10 * 1024 * 1024),
    "audio": MediaRule(frozenset({"audio/amr", "audio/mpeg"}), most_bytes=2 * 1024 * 1024),
    "video": MediaRule(frozenset({"video/mp4"}), most_bytes=10 * 1024 * 1024),
}
TYPES = {"image": "image", "audio": "voice", "video": "video"}  # as WeChat calls them


async def uploaded(media: MediaContent, url: str, api: Api, out: Transports) -> str:
    """WeChat's id of what lies at the URL; it lasts three days. Raises ProviderError."""
    rule = MEDIA[media.type]
    file = await download(url, out, most_bytes=rule.most_bytes or 0, timeout_seconds=api.timeout_seconds)
    mime_type = _bare(media.mime_type) if media.mime_type else file.mime_type
    if mime_type not in rule.types:
        text = f"WeChat takes no {media.type} of this type"
        raise ProviderError(FailureKind.PERMANENT, reason="media_unsupported", text=text)
    try:
        response = await api.call(_upload(TYPES[media.type], mime_type, file.body), out)
    except ProviderError as error:
        raise repeatable(error) from error
    try:
        return wire.Uploaded.model_validate_json(response.body).media_id
    except ValidationError as error:
        raise repeatable(unreadable(response)) from error


def _bare(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _upload(kind: str, mime_type: str, media: bytes) -> Call:
    boundary = hashlib.sha256(media).hexdigest()  # which no media hold that anybody can make
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="media"; filename="media.{_ENDINGS[mime_type]}"\r\n'
        f"Content-Type: {mime_type}\r\n\r\n"
    )
    body = head.encode() + media + f"\r\n--{boundary}--\r\n".encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    return Call("/cgi-bin/media/upload", body, headers, query=f"&type={kind}")
