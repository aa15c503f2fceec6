"""How to get at a bucket: endpoint, region and keys, from the usual environment and the usual profile files.

One answer for both libraries that talk to the storage (`obstore` for files, `deltalake` for the log): what is found here is handed to them,
and where nothing is found they ask the metadata service of the machine themselves, as they would anyway. In this order:

1. `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`;
2. `AWS_WEB_IDENTITY_TOKEN_FILE` or `AWS_CONTAINER_CREDENTIALS_*_URI`: a role of the pod or task, left to the libraries;
3. the profile `AWS_PROFILE`, else `default`, of the shared credentials and configuration files: its keys, or its `credential_process`;
4. the metadata service of the machine.

The endpoint is `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or the profile's `endpoint_url`; without one, Amazon's of the region.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from configparser import ConfigParser, Error
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pipeline.errors import ConfigError, SignInError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROLES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
_ELSEWHERE = ("sso_session", "sso_start_url", "role_arn", "source_profile", "login_session")
_EARLY_SECONDS = 300.0
"""Keys that end sooner than this are asked for anew."""
_PROCESS_SECONDS = 30.0


class Keys(NamedTuple):
    """What signs a request; not to be printed."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""
    ends_at: float = float("inf")
    """Seconds since the epoch."""

    def __repr__(self) -> str:
        return f"Keys({self.access_key_id[:4]}…)"

    @property
    def fresh(self) -> bool:
        """Whether they are good for some minutes yet."""
        return self.ends_at - time.time() > _EARLY_SECONDS


class Access(NamedTuple):
    """All that is needed to get at a bucket."""

    region: str
    endpoint: str = ""
    """Empty: Amazon's."""
    keys: Keys | None = None
    """None: a role, or none at all; the libraries find out."""
    unsigned: bool = False

    @property
    def fresh(self) -> bool:
        """Whether it can be used without looking again."""
        return self.keys is None or self.keys.fresh

    def delta_options(self) -> dict[str, str]:
        """Return the same as `deltalake` names it."""
        return {f"aws_{name}" if name != "allow_http" else name: value for name, value in self._options().items()}

    def store_options(self) -> dict[str, Any]:
        """Return the same as `obstore` names it."""
        options: dict[str, Any] = dict(self._options())
        plain = options.pop("allow_http", None)
        if "skip_signature" in options:
            options["skip_signature"] = True
        return options | ({"client_options": {"allow_http": True}} if plain else {})

    def _options(self) -> dict[str, str]:
        found = {"region": self.region}
        if self.endpoint:
            found |= {"endpoint": self.endpoint} | ({"allow_http": "true"} if self.endpoint.startswith("http:") else {})
        if self.keys is not None:
            found |= {"access_key_id": self.keys.access_key_id, "secret_access_key": self.keys.secret_access_key}
            found |= {"session_token": self.keys.session_token} if self.keys.session_token else {}
        if self.unsigned:
            found |= {"skip_signature": "true"}
        return found


def find_access(environment: Mapping[str, str] | None = None) -> Access:
    """Look for everything, in the order above.

    Raises:
        ConfigError: The profile is not there, needs another program, or the endpoint sends keys in the clear over a network.
        SignInError: The profile's `credential_process` did not give any.
    """
    env = os.environ if environment is None else environment
    profile = _profile(env)
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or profile.get("region") or "us-east-1"
    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or profile.get("endpoint_url") or ""
    _check_endpoint(endpoint, in_the_clear=_said(env, "AWS_ALLOW_HTTP"))
    unsigned = _said(env, "AWS_SKIP_SIGNATURE")
    return Access(region, endpoint.rstrip("/"), None if unsigned else _keys(env, profile), unsigned)


def _said(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").lower() in {"1", "true"}


def _check_endpoint(endpoint: str, *, in_the_clear: bool) -> None:
    parts = urlsplit(endpoint)
    if not endpoint or (parts.scheme == "https" and parts.hostname):
        return
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigError(f"the endpoint {endpoint} (AWS_ENDPOINT_URL) is not an address like https://storage.example.org")
    if not _loopback(parts.hostname) and not in_the_clear:
        raise ConfigError(
            f"the endpoint {endpoint} would send reports in the clear; use https://, or set AWS_ALLOW_HTTP=true where the network is yours"
        )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _keys(env: Mapping[str, str], profile: Mapping[str, str]) -> Keys | None:
    if env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"):
        return Keys(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN", ""))
    if any(env.get(name) for name in _ROLES):
        return None
    if "aws_access_key_id" in profile and "aws_secret_access_key" in profile:
        return Keys(profile["aws_access_key_id"], profile["aws_secret_access_key"], profile.get("aws_session_token", ""))
    if "credential_process" in profile:
        return _from_process(profile["credential_process"])
    name = env.get("AWS_PROFILE", "")
    if name and any(key in profile for key in _ELSEWHERE):
        raise ConfigError(
            f"the profile {name} signs in by way of another account or a browser, which is left to the AWS command line: "
            f'run `eval "$(aws configure export-credentials --profile {shlex.quote(name)} --format env)"` first'
        )
    return None


def _from_process(command: str) -> Keys:
    """Ask the program that a profile names (the protocol is that of the AWS command line, version 1)."""
    try:
        ended = subprocess.run(shlex.split(command), capture_output=True, check=True, timeout=_PROCESS_SECONDS, stdin=subprocess.DEVNULL)
        said = json.loads(ended.stdout)
        ends = said.get("Expiration")
        moment = datetime.fromisoformat(ends).timestamp() if ends else float("inf")
        return Keys(said["AccessKeyId"], said["SecretAccessKey"], said.get("SessionToken") or "", moment)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, subprocess.SubprocessError) as err:
        # Never what it printed: that may hold the keys.
        raise SignInError(
            f"the credential_process of the AWS profile gave no keys ({type(err).__name__}); run it by hand: {command}"
        ) from err


def _profile(env: Mapping[str, str]) -> dict[str, str]:
    """Return a profile: what the configuration file says, and over it what the credentials file says."""
    name = env.get("AWS_PROFILE") or "default"
    home = Path(env.get("HOME") or "~").expanduser() / ".aws"
    config = _section(Path(env.get("AWS_CONFIG_FILE") or home / "config"), name if name == "default" else f"profile {name}")
    credentials = _section(Path(env.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"), name)
    if config is None and credentials is None:
        if "AWS_PROFILE" in env and name != "default":
            raise ConfigError(f"there is no AWS profile {name} in the configuration or credentials file (AWS_PROFILE names it)")
        return {}
    return (config or {}) | (credentials or {})


def _section(path: Path, name: str) -> dict[str, str] | None:
    parser = ConfigParser(interpolation=None, default_section="\0")
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    except (Error, UnicodeDecodeError) as err:
        raise ConfigError(f"the AWS file {path} cannot be read: {str(err).splitlines()[0]}") from err
    return dict(parser[name]) if parser.has_section(name) else None
