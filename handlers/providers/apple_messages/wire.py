"""Apple's own messages, as far as they are read: what the gateway for businesses answers, and what it posts.

Source: Apple's MSP REST API and its samples, November 2026.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gateway.model.base import Wire

Json = dict[str, Any]


class UploadPlace(Wire):
    """The answer of preUpload: where a file goes, and how a message names it."""

    upload_url: str = Field(alias="upload-url")
    mmcs_url: str = Field(alias="mmcs-url")
    mmcs_owner: str = Field(alias="mmcs-owner")


class SingleFile(Wire):
    file_checksum: str = Field(alias="fileChecksum", min_length=1)


class Uploaded(Wire):
    """The answer to an upload."""

    single_file: SingleFile = Field(alias="singleFile")


class DownloadPlace(Wire):
    """The answer of preDownload."""

    download_url: str = Field(alias="download-url")


class Attachment(Wire):
    """A file in a message: where it lies, enciphered, and what opens it."""

    name: str | None = None
    mime_type: str = Field("application/octet-stream", alias="mimeType")
    url: str
    owner: str
    key: str = Field(pattern=r"^00[0-9A-Fa-f]{64}$")
    signature: str | None = Field(None, pattern=r"^([0-9A-Fa-f]{2})+$")  # the same in hex
    signature_base64: str | None = Field(None, alias="signature-base64")


class Item(Wire):
    """A choice of a list, or of quick replies."""

    identifier: str
    title: str | None = None


class Section(Wire):
    items: tuple[Item, ...] = ()


class ListPicker(Wire):
    sections: tuple[Section, ...] = ()


class QuickReply(Wire):
    items: tuple[Item, ...] = ()
    selected_identifier: str | None = Field(None, alias="selectedIdentifier")
    selected_index: int | None = Field(None, alias="selectedIndex", ge=0)


class InteractiveData(Wire):
    request_identifier: str | None = Field(None, alias="requestIdentifier")
    quick_reply: QuickReply | None = Field(None, alias="quick-reply")
    list_picker: ListPicker | None = Field(None, alias="listPicker")


class Interactive(Wire):
    data: Json = {}


class Message(Wire):
    """What somebody wrote or did."""

    id: str = Field(min_length=1)
    type: str
    source_id: str = Field(alias="sourceId", min_length=1)
    destination_id: str | None = Field(None, alias="destinationId")
    body: str = ""
    attachments: tuple[Attachment, ...] = ()
    interactive_data: Interactive | None = Field(None, alias="interactiveData")
    interactive_data_ref: Json | None = Field(None, alias="interactiveDataRef")
