"""Where the keys of a bucket come from."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import ConfigError, SignInError
from pipeline.lake.storage.s3 import Access, Keys, find_access

KEYS = {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".aws").mkdir()
    return tmp_path


def write(home, *, config="", credentials=""):
    (home / ".aws/config").write_text(config)
    (home / ".aws/credentials").write_text(credentials)


def find(home, **more):
    return find_access({"HOME": str(home), **more})


def test_keys_of_the_environment_win(home):
    write(home, credentials="[default]\naws_access_key_id = other\naws_secret_access_key = other\n")
    access = find(home, **KEYS, AWS_SESSION_TOKEN="T", AWS_REGION="eu-west-1")
    assert access == Access("eu-west-1", "", Keys("AK", "SK", "T"))
    assert access.delta_options() == {
        "aws_region": "eu-west-1",
        "aws_access_key_id": "AK",
        "aws_secret_access_key": "SK",
        "aws_session_token": "T",
    }


def test_a_profile_of_both_files(home):
    write(
        home,
        config="[profile mail]\nregion = eu-north-1\nendpoint_url = https://s3.example.org/\n",
        credentials="[mail]\naws_access_key_id = MK\naws_secret_access_key = a%b\n",
    )
    access = find(home, AWS_PROFILE="mail")
    assert access == Access("eu-north-1", "https://s3.example.org", Keys("MK", "a%b"))
    assert access.store_options()["endpoint"] == "https://s3.example.org"


def test_the_default_profile_and_the_default_region(home):
    write(home, credentials="[default]\naws_access_key_id = DK\naws_secret_access_key = DS\n")
    assert find(home) == Access("us-east-1", "", Keys("DK", "DS"))


def test_without_anything_the_libraries_ask_the_machine(home):
    assert find(home) == Access("us-east-1")


def test_a_role_of_the_pod_wins_over_a_profile(home):
    write(home, credentials="[default]\naws_access_key_id = DK\naws_secret_access_key = DS\n")
    assert find(home, AWS_WEB_IDENTITY_TOKEN_FILE="/token").keys is None


def test_files_elsewhere(home):
    (home / "c").write_text("[x]\naws_access_key_id = XK\naws_secret_access_key = XS\n")
    assert find(home, AWS_PROFILE="x", AWS_SHARED_CREDENTIALS_FILE=str(home / "c")).keys == Keys("XK", "XS")


def test_a_credential_process_is_asked_and_asked_again_before_its_keys_end(home):
    soon = datetime.now(UTC) + timedelta(minutes=4)
    said = {"Version": 1, "AccessKeyId": "PK", "SecretAccessKey": "PS", "SessionToken": "PT", "Expiration": soon.isoformat()}
    (home / "said").write_text(json.dumps(said))
    write(home, config=f"[profile p]\ncredential_process = {sys.executable} -c \"print(open('{home}/said').read())\"\n")
    access = find(home, AWS_PROFILE="p")
    assert access.keys == Keys("PK", "PS", "PT", soon.timestamp())
    assert not access.fresh


@pytest.mark.parametrize("command", ["false", "echo {}", "echo none", "/not/there"])
def test_a_credential_process_that_gives_none_is_one_sentence_without_what_it_said(home, command):
    write(home, config=f"[profile p]\ncredential_process = {command}\n")
    with pytest.raises(SignInError, match="gave no keys"):
        find(home, AWS_PROFILE="p")


def test_a_profile_that_is_not_there(home):
    with pytest.raises(ConfigError, match="no AWS profile mail"):
        find(home, AWS_PROFILE="mail")


def test_a_profile_that_needs_a_browser_names_the_way_out(home):
    write(home, config="[profile p]\nsso_session = x\n")
    with pytest.raises(ConfigError, match="export-credentials --profile p"):
        find(home, AWS_PROFILE="p")


@pytest.mark.parametrize("endpoint", ["s3.example.org", "ftp://x", "http://", "https://"])
def test_an_endpoint_that_is_none(home, endpoint):
    with pytest.raises(ConfigError, match="is not an address like"):
        find(home, **KEYS, AWS_ENDPOINT_URL=endpoint)


def test_plain_http_is_for_loopback_and_for_who_says_so(home):
    for address in ("http://127.0.0.1:8333", "http://localhost:8333", "http://[::1]:8333"):
        assert find(home, **KEYS, AWS_ENDPOINT_URL=address).delta_options()["allow_http"] == "true"
    with pytest.raises(ConfigError, match="in the clear"):
        find(home, **KEYS, AWS_ENDPOINT_URL="http://192.0.2.1")
    assert find(home, **KEYS, AWS_ENDPOINT_URL="http://192.0.2.1", AWS_ALLOW_HTTP="true").endpoint == "http://192.0.2.1"


def test_keys_are_not_printed(home):
    assert "SK" not in repr(find(home, **KEYS))
