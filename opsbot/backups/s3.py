"""An S3 bucket as Storage: the only place that knows boto3. Bounded memory, whole objects or none, errors as sentences."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from urllib3.exceptions import HTTPError

from opsbot.backups.storage import Readable
from opsbot.errors import NotFound, OpsError, Refused, StepFailed, Unavailable
from opsbot.log import Secret

PART = 16 * 2**20  # S3 allows 10,000 parts: 156 GiB compressed
PARTS_IN_MEMORY = 4
RETRIES = 5  # of a download, in a row without a byte
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_REFUSED = {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}
_EXISTS = {"412", "PreconditionFailed", "ConditionalRequestConflict"}


@dataclass(frozen=True)
class Account:
    """Where the bucket is and with what key. `endpoint` None = Amazon's own for the region."""

    bucket: str
    key: Secret
    secret: Secret
    endpoint: str | None = None
    region: str = "us-east-1"


class S3:
    """Storage in one bucket. Safe to use from several threads."""

    def __init__(self, account: Account) -> None:
        self.account, self._bucket = account, account.bucket
        self._guard = threading.Lock()
        self._clients: dict[bool, Any] = {}

    def ready(self) -> None:
        """Some servers make a missing bucket at the first PUT, so a slip in its name would go unnoticed: ask first."""
        with self._errors():
            self._client(quick=True).head_bucket(Bucket=self._bucket)

    def upload(self, key: str, source: Readable) -> None:
        config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2)
        config.max_in_memory_upload_chunks = PARTS_IN_MEMORY
        with self._errors(key):
            self._client().upload_fileobj(source, self._bucket, key, Config=config)

    def put_new(self, key: str, body: bytes) -> None:
        with self._errors(key):
            self._client().put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")

    def get(self, key: str) -> bytes:
        source = self.open(key)
        return b"".join(iter(lambda: source.read(2**20), b""))

    def open(self, key: str) -> Readable:
        def fetch(start: int, etag: str | None) -> dict[str, Any]:
            more = {"IfMatch": etag} if etag else {}
            if start:
                more["Range"] = f"bytes={start}-"
            with self._errors(key):
                answer: dict[str, Any] = self._client().get_object(Bucket=self._bucket, Key=key, **more)
                return answer

        return _Download(key, fetch)

    def size(self, key: str) -> int | None:
        try:
            with self._errors(key):
                return int(self._client().head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except NotFound:
            return None

    def keys(self, prefix: str) -> Iterator[str]:
        for page in self._pages("list_objects_v2", Prefix=prefix):
            yield from (entry["Key"] for entry in page.get("Contents", []))

    def entries(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        for page in self._pages("list_objects_v2", Prefix=prefix):
            yield from ((entry["Key"], int(entry["Size"]), entry["LastModified"]) for entry in page.get("Contents", []))

    def versioned(self) -> bool:
        """Whether the bucket keeps what is deleted or replaced."""
        with self._errors():
            return bool(self._client(quick=True).get_bucket_versioning(Bucket=self._bucket).get("Status") == "Enabled")

    def folders(self, prefix: str) -> list[str]:
        pages = self._pages("list_objects_v2", Prefix=prefix, Delimiter="/")
        found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        return [name.removeprefix(prefix).rstrip("/") for name in found]

    def delete(self, key: str) -> None:
        with self._errors(key):
            self._client().delete_object(Bucket=self._bucket, Key=key)

    def unfinished(self, prefix: str) -> list[str]:
        return [key for key, _ in self._uploads(prefix)]

    def abandon(self, key: str) -> None:
        for found, upload in list(self._uploads(key)):
            if found == key:
                with self._errors(key):
                    self._client().abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)

    def _uploads(self, prefix: str) -> Iterator[tuple[str, str]]:
        for page in self._pages("list_multipart_uploads", Prefix=prefix):
            yield from ((entry["Key"], entry["UploadId"]) for entry in page.get("Uploads", []))

    def ensure_bucket(self) -> None:
        """Make the bucket if it is missing. For the demo; elsewhere a missing bucket is an error."""
        try:
            self.ready()
        except NotFound:
            with self._errors():
                self._client().create_bucket(Bucket=self._bucket)

    def _pages(self, what: str, **arguments: str) -> Iterator[dict[str, Any]]:
        pages = iter(self._client().get_paginator(what).paginate(Bucket=self._bucket, **arguments))
        while True:
            with self._errors():
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _client(self, *, quick: bool = False) -> Any:
        with self._guard:  # making a client is not thread-safe and takes a tenth of a second
            if quick not in self._clients:
                self._clients[quick] = self._connect(quick)
            return self._clients[quick]

    def _connect(self, quick: bool) -> Any:
        account = self.account
        config = Config(
            connect_timeout=2 if quick else 5,
            read_timeout=3 if quick else 60,
            retries={"mode": "standard", "total_max_attempts": 1 if quick else 4},
            s3={"addressing_style": "path" if account.endpoint else "auto"},
            request_checksum_calculation="when_required",  # boto3's own default chokes some compatible servers
            response_checksum_validation="when_required",
        )
        return boto3.session.Session().client(
            "s3",
            endpoint_url=account.endpoint,
            region_name=account.region,
            aws_access_key_id=account.key.reveal(),
            aws_secret_access_key=account.secret.reveal(),
            config=config,
        )

    @contextmanager
    def _errors(self, key: str | None = None) -> Iterator[None]:
        try:
            yield
        except OpsError:
            raise
        except ClientError as error:
            raise self._refusal(error, key) from error
        except (BotoCoreError, Boto3Error, HTTPError) as error:
            raise Unavailable(
                f"S3 does not answer at {self._place()}: {type(error).__name__}.",
                "Check that it runs and that storage.endpoint is right, then try again.",
                code="no_s3",
            ) from error

    def _refusal(self, error: ClientError, key: str | None) -> OpsError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "NoSuchBucket" or (key is None and code in _ABSENT):
            return NotFound(
                f"There is no bucket {self._bucket} at {self._place()}.",
                "Make it, or correct storage.bucket.",
                code="no_bucket",
            )
        if code in _REFUSED:
            return Refused(
                f"S3 at {self._place()} refuses the key for bucket {self._bucket} ({code}).",
                "Check storage.key and storage.secret, and that the key may read and write this bucket.",
                code="s3_refused",
            )
        if code in _ABSENT:
            return NotFound(f"There is no object {key} in bucket {self._bucket}.", code="no_object")
        if code in _EXISTS:
            return StepFailed(f"{key} exists already in bucket {self._bucket}.", "It was not changed.", code="exists")
        words = str(error.response.get("Error", {}).get("Message", "")) or code
        return Unavailable(f"S3 at {self._place()} answered {code}: {words}.", "Try again.", code="s3_error")

    def _place(self) -> str:
        return self.account.endpoint or f"Amazon S3 in {self.account.region}"


class _Download:
    """One object as a stream; a connection that breaks is taken up again where it ended, on the very same object."""

    def __init__(self, key: str, fetch: Callable[[int, str | None], dict[str, Any]]) -> None:
        self._key, self._fetch = key, fetch
        self._at = 0
        answer = fetch(0, None)
        self._etag = str(answer["ETag"])
        self._length = int(answer["ContentLength"])
        self._body = answer["Body"]

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes (-1: a megabyte), b"" only at the true end."""
        for _ in range(RETRIES):
            if self._at >= self._length:
                return b""
            try:
                chunk: bytes = self._body.read(size if size > 0 else 2**20)
            except (HTTPError, BotoCoreError, HTTPClientError, IncompleteReadError, OSError):
                chunk = b""
            if chunk:
                self._at += len(chunk)
                return chunk
            self._body.close()
            self._body = self._fetch(self._at, self._etag)["Body"]
        raise Unavailable(
            f"The download of {self._key} broke off at {self._at} of {self._length} bytes.", "Try again.", code="no_s3"
        )
