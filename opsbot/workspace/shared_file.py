"""A file and its Slack shape: kind, size, and a preview (first lines of a text, width and height of a picture)."""

import struct
import time
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

PREVIEW_LINES = 5
PREVIEW_CHARACTERS = 600
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG, _GIF = b"\xff\xd8\xff", (b"GIF87a", b"GIF89a")
# ending → (Slack's filetype, what people call it, media type)
_TEXTS = {
    "txt": ("text", "Plain Text", "text/plain"),
    "log": ("text", "Plain Text", "text/plain"),
    "md": ("markdown", "Markdown (raw)", "text/plain"),
    "json": ("json", "JSON", "application/json"),
    "yml": ("yaml", "YAML", "text/yaml"),
    "yaml": ("yaml", "YAML", "text/yaml"),
    "csv": ("csv", "CSV", "text/csv"),
    "py": ("python", "Python", "text/x-python"),
    "sh": ("shell", "Shell", "text/x-sh"),
    "sql": ("sql", "SQL", "text/x-sql"),
    "diff": ("diff", "Diff", "text/x-diff"),
}
_PICTURES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif"}


@dataclass
class SharedFile:
    """An uploaded file; `url` is where its bytes are read. `done` once it was shared or completed."""

    id: str
    name: str
    user: str
    url: str
    content: bytes = b""
    title: str = ""
    done: bool = False
    created: int = field(default_factory=lambda: int(time.time()))
    announced: int = 0  # bytes that the uploader said would come
    channels: list[str] = field(default_factory=list)
    alt: str = ""

    @property
    def kind(self) -> tuple[str, str, str]:
        """Slack's filetype, its name for people, and the media type; pictures are known by their bytes, not their name."""
        picture = picture_kind(self.content)
        if picture:
            return picture, picture.upper(), _PICTURES[picture]
        ending = PurePath(self.name).suffix.removeprefix(".").lower()
        if ending in _TEXTS:
            return _TEXTS[ending]
        if _text(self.content) is not None:
            return _TEXTS["txt"]
        return "binary", "Binary", "application/octet-stream"

    def as_slack(self) -> dict[str, Any]:
        """The file as messages and `files.info` carry it."""
        filetype, pretty, media = self.kind
        text = None if media.startswith("image/") else _text(self.content)
        shape = {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": media,
            "filetype": filetype,
            "pretty_type": pretty,
            "user": self.user,
            "size": len(self.content),
            "mode": "hosted" if text is None else "snippet",
            "is_external": False,
            "is_public": True,
            "url_private": self.url,
            "url_private_download": f"{self.url}?download=1",
            "permalink": self.url,
            "channels": list(self.channels),
        }
        if self.alt:
            shape["alt_txt"] = self.alt
        return shape | (_seen(self.content, self.url) if text is None else _read(text))


def picture_kind(content: bytes) -> str:
    """`png`, `jpg` or `gif` by the first bytes; empty for anything else."""
    if content.startswith(_PNG):
        return "png"
    if content.startswith(_JPEG):
        return "jpg"
    return "gif" if content.startswith(_GIF) else ""


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG or GIF; None where the header does not say it simply."""
    if content.startswith(_PNG) and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content.startswith(_GIF) and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
        return width, height
    return None


def _seen(content: bytes, url: str) -> dict[str, Any]:
    if not picture_kind(content):
        return {}
    size = picture_size(content)
    shape: dict[str, Any] = {"thumb_360": url, "thumb_480": url}
    return shape | ({"original_w": size[0], "original_h": size[1]} if size else {})


def _read(text: str) -> dict[str, Any]:
    lines = text.splitlines()
    preview = "\n".join(lines[:PREVIEW_LINES])[:PREVIEW_CHARACTERS]
    return {"preview": preview, "lines": len(lines), "lines_more": max(0, len(lines) - PREVIEW_LINES)}


def _text(content: bytes) -> str | None:
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None
