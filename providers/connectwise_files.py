"""A receipt as ConnectWise hands it out: the bytes, a bare name, the type. A page is not taken for a file."""

from __future__ import annotations

from email.message import Message
from typing import NamedTuple

from errors import Refused
from providers.http import Answer


class Download(NamedTuple):
    """`filename` is a bare name without folders; `content_type` in lower case without parameters."""

    content: bytes
    filename: str
    content_type: str


def as_download(answer: Answer) -> Download:
    """The file in this answer. Raises `Refused` when it is empty, or an HTML page instead of a file."""
    header = Message()
    header["Content-Type"] = answer.headers.get("Content-Type", "application/octet-stream")
    header["Content-Disposition"] = answer.headers.get("Content-Disposition", "attachment")
    name = (header.get_filename() or "").replace("\\", "/").rsplit("/", 1)[-1].strip()
    kind = header.get_content_type()
    if not answer.body:
        raise Refused("ConnectWise handed out an empty file.", status=answer.status)
    if kind == "text/html" and not name.lower().endswith((".htm", ".html")):
        raise Refused("ConnectWise answered with a page where the file should be.", status=answer.status)
    return Download(content=answer.body, filename=name, content_type=kind)
