"""From the address of a lake to its kind of storage: a folder, or a bucket."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError
from pipeline.lake.storage.folder import FolderLocation
from pipeline.lake.storage.location import Location

if TYPE_CHECKING:
    from pipeline.settings.single_tables import LakeSettings

S3 = "s3://"


def locate(address: str | Path | Location, *, wait_seconds: float = 0.0) -> Location:
    """Return the place of a lake.

    Args:
        address: A folder or s3://bucket/prefix; a place is returned as it is.
        wait_seconds: How long a writer waits for another one before it gives up.

    Raises:
        ConfigError: It is a URI of a kind that this version cannot use, or what it needs is not configured.
    """
    if isinstance(address, Location):
        return address
    text = str(address)
    if text.startswith(S3):
        from pipeline.lake.storage.bucket import BucketLocation

        return BucketLocation(text, wait_seconds)
    if "://" in text:
        raise ConfigError(f"the lake {text} has an unsupported URI; a lake is a folder or s3://bucket/prefix")
    folder = Path(text).expanduser().absolute()
    if (code := re.search("%[0-9A-Fa-f]{2}", str(folder))) is not None:
        # deltalake writes to the folder as it is named and reads from the decoded one; a link to it is followed first.
        raise ConfigError(
            f"the lake {folder} has {code[0]} in its path, which the Delta library takes for another character; choose another name"
        )
    return FolderLocation(folder, wait_seconds)


def configured_location(settings: LakeSettings) -> Location:
    """Return the place that is configured.

    Raises:
        ConfigError: As `locate`.
    """
    return locate(settings.path, wait_seconds=settings.wait_seconds)
