"""A bucket that is read from, as `ingest` and `backfill` get at it: one way to open it, one way to say why it cannot be read."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from pipeline.errors import InputError
from pipeline.lake.storage.bucket import failure_of
from pipeline.lake.storage.s3 import find_access

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
_SIGNED_FOR = timedelta(minutes=5)
_SECONDS = 30.0
_IT_IS_ANOTHER = 412
_IT_IS_BEING_WRITTEN = 409
_GONE = 404


def open_bucket(address: str) -> tuple[S3Store, str]:
    """Return the bucket and the prefix of s3://bucket/prefix; how to get at it comes from the environment (see `pipeline.lake.storage.s3`).

    Raises:
        InputError: It is no such address.
        ConfigError: The environment is wrong.
        SignInError: There are no keys to be had.
    """
    bucket, prefix = _parts(address)
    return S3Store(bucket, **find_access().store_options()), prefix


@contextmanager
def bucket_errors(address: str, name: str = "") -> Iterator[None]:
    """Turn what the storage says into one sentence, about s3://bucket/prefix and the name it has in the configuration.

    Raises:
        TlsrptError: As what failed means: no such bucket, no keys, not reached, not in time; an InputError where that is not known.
    """
    try:
        yield
    except (BaseError, OSError) as err:
        # obstore shows, after the sentence, its whole settings: words such as "timeout" are in them.
        said = str(err).partition("\n\nDebug source")[0]
        where = f"the source {name} ({address})" if name else address
        told = failure_of(said, where, _parts(address)[0], find_access(), "read")
        raise told or InputError(f"{where} cannot be read: {(said.strip().splitlines() or ['no reason was given'])[0][:300]}") from err


def delete_unchanged(store: S3Store, key: str, tag: str) -> None:
    """Delete an object while it is still the one with this ETag (without its quotes); one that is another by now, or gone, is left.

    Asked with `If-Match`. A storage that does not know it deletes what it has: there the ETag read just before is all that protects a newer
    object, for the time between two requests.

    Args:
        store: Of the bucket; the request is signed with its keys.
        key: Name of the object, from the root of the bucket.
        tag: The ETag it had when it was read, without its quotes.

    Raises:
        OSError: The storage refuses, or cannot be reached.
    """
    if (obstore.head(store, key)["e_tag"] or "").strip('"') != tag:
        return
    # `obstore.delete` has no conditions; a signed address may be asked with any header.
    request = Request(obstore.sign(store, "DELETE", key, _SIGNED_FOR), method="DELETE", headers={"If-Match": f'"{tag}"'})  # noqa: S310 -- https, or http where `find_access` allows it
    try:
        with urlopen(request, timeout=_SECONDS):  # noqa: S310 -- the same
            return
    except HTTPError as err:
        with err:
            if err.code in {_IT_IS_ANOTHER, _IT_IS_BEING_WRITTEN, _GONE}:
                return
            said = err.read(10_000).decode("utf-8", "replace")
        raise OSError(f"{err.code} {err.reason}: {' '.join(re.findall('<(?:Code|Message)>([^<]*)', said))}") from err
    except URLError as err:
        raise OSError(f"HTTP error: {err.reason}") from err


def _parts(address: str) -> tuple[str, str]:
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise InputError(f"{address} is not an object address; use s3://bucket/prefix")
    return match[1], match[2] or ""
