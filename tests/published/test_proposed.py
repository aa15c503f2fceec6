"""A change answered for before it is made: `check --proposed`, `--mx`, `--tlsa`, `--certificate`; and `policy render`."""

from __future__ import annotations

from shutil import copytree

import pytest
from cryptography import x509

from pipeline.cli import main
from pipeline.published.policy_text import read_policy_file
from pipeline.published.tlsa import record_for
from tests.lake.test_commands import document
from tests.published.conftest import POLICY

ENFORCE = POLICY.replace("testing", "enforce")


def bad(out) -> list[str]:
    return [finding["code"] for finding in out[0]["findings"] if finding["severity"] in {"error", "unknown"}]


def record_of(town, name: str) -> str:
    return record_for(x509.load_pem_x509_certificate(town.certificates[name]), "x").split(" TLSA ")[1]


@pytest.fixture(scope="module")
def lake_of_one(tmp_path_factory):
    """A lake with one report about another domain."""
    folder = tmp_path_factory.mktemp("fed")
    (folder / "1.json").write_bytes(document(1))
    assert main(["--lake", str(folder / "lake"), "ingest", "--workers", "0", str(folder / "1.json")]) == 0
    return folder / "lake"


@pytest.fixture(autouse=True)
def fed(tlsrpt, lake_of_one, tmp_path):
    copytree(lake_of_one, tmp_path / "lake", dirs_exist_ok=True)


def test_the_hosts_there_are_and_one_more_with_a_good_certificate_break_nothing_under_testing(tlsrpt):
    code, out, _ = tlsrpt("check", "good.example", "--mx", "mx.good.example", "mx2.good.example", "--format", "json")
    # The policy in testing does not name it, which refuses nothing now and would under enforce.
    assert (code, bad(out)) == (1, ["mx-not-in-policy"])


def test_a_host_that_a_policy_senders_hold_does_not_name_is_refused_until_it_ends(tlsrpt, town):
    town.publish(ENFORCE)
    assert tlsrpt("check")[0] == 0
    town.publish(ENFORCE.replace("mx: ", "mx: mx2.good.example\r\nmx: ").replace("1209600", "604800"))
    code, out, _ = tlsrpt("check", "good.example", "--mx", "mx2.good.example", "--format", "json")
    assert (code, bad(out)) == (1, ["mx-held-policy"])
    assert tlsrpt("check", "good.example", "--mx", "mx.good.example", "--format", "json")[0] == 0


def test_a_host_with_a_bad_certificate_is_found_before_mail_goes_there(tlsrpt, town):
    town.publish(ENFORCE.replace("mx.good", "*.good"))
    code, out, _ = tlsrpt("check", "good.example", "--mx", "old.good.example", "--format", "json")
    assert (code, bad(out)) == (1, ["certificate-expired"])
    assert tlsrpt("check", "good.example", "--mx", "nothing.good.example", "--format", "json")[0] == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (POLICY, (0, [])),
        (POLICY.replace("mx.good", "mx2.good"), (1, ["mx-not-in-policy"])),
        (ENFORCE, (1, ["enforce-not-ready"])),
        ("version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n", (0, [])),
        ("<!doctype html><html>", (1, ["policy-html"])),
        ("version: STSv1\r\nmode: testing\r\n", (1, ["policy-max-age-missing", "policy-mx-missing"])),
    ],
    ids=["as it is", "a host left out", "not ready", "none", "a page", "half"],
)
def test_a_policy_file_to_be(tlsrpt, tmp_path, text, expected):
    (tmp_path / "new.txt").write_bytes(text.encode())
    code, out, _ = tlsrpt("check", "good.example", "--proposed", tmp_path / "new.txt", "--format", "json")
    assert (code, bad(out)) == expected


def test_tlsa_records_to_be_have_to_match_what_is_served(tlsrpt, town):
    now, following = record_of(town, "now"), record_of(town, "next")
    ask = ("check", "secure.example", "--format", "json", "--tlsa")
    assert tlsrpt(*ask, now, following)[0] == 0
    code, out, _ = tlsrpt(*ask, following)
    assert (code, bad(out)) == (1, ["tlsa-mismatch"])
    assert tlsrpt(*ask, "3 1 1 abc")[0] == 2


def test_a_certificate_to_be_has_to_match_a_record_that_is_published(tlsrpt, town, tmp_path):
    for name, content in town.certificates.items():
        (tmp_path / f"{name}.pem").write_bytes(content)
    assert tlsrpt("check", "secure.example")[0] == 0
    ask = ("check", "secure.example", "--format", "json", "--certificate")
    code, out, _ = tlsrpt(*ask, tmp_path / "next.pem")
    assert (code, bad(out)) == (1, ["tlsa-mismatch"])
    code, out, _ = tlsrpt(*ask, tmp_path / "now.pem")
    assert (code, bad(out)) == (75, ["tlsa-too-new"])  # the record is there, since when nobody knows but this minute
    assert tlsrpt("check", "secure.example", "--certificate", tmp_path / "tlsrpt.toml")[0] == 66


def test_a_proposed_change_is_about_one_domain_and_keeps_nothing(tlsrpt):
    assert tlsrpt("check", "good.example", "bare.example", "--mx", "mx.good.example")[0] == 2
    tlsrpt("check", "good.example", "--mx", "mx.good.example")
    assert tlsrpt("questions", "run", "published_now", "--format", "json")[1] == []


# policy render


def test_a_policy_is_written_with_a_new_id_the_way_there_and_the_way_back(tlsrpt):
    code, out, _ = tlsrpt("policy", "render", "good.example", "--mode", "testing", "--format", "json")
    assert code == 0
    policy, findings = read_policy_file("x", out["policy"].encode())
    assert (policy.mode, policy.mx, policy.max_age_seconds, findings) == ("testing", ("mx.good.example",), 1_209_600, [])
    assert out["policy"].endswith("\r\n")
    (record,) = out["records"]
    assert record == f'_mta-sts.good.example. TXT "v=STSv1; id={out["id"]};"'
    assert out["id"] != "1"
    assert out["id"].isalnum()
    assert set(out["servers"]) == {"nginx", "caddy", "apache"}
    assert [step.split()[0] for step in out["order"]] == ["serve", "fetch", "then", "look"]
    assert "mode: none" in out["way_back"][0]


def test_one_part_alone_can_be_written_into_a_file(tlsrpt, tmp_path):
    to = tmp_path / "mta-sts.txt"
    assert tlsrpt("policy", "render", "good.example", "--mode", "none", "--only", "policy", "--output", to)[0] == 0
    assert to.read_bytes() == b"version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n"


def test_enforce_is_not_written_before_it_is_ready_but_for_a_reason_that_is_kept(tlsrpt):
    ask = ("policy", "render", "good.example", "--mode", "enforce")
    code, out, err = tlsrpt(*ask)
    assert (code, out) == (1, "")
    assert "the verdict on enforce is" in err
    assert tlsrpt(*ask, "--despite", " ")[0] == 2
    code, out, err = tlsrpt(*ask, "--despite", "the auditor wants it")
    assert code == 0
    assert "mode: enforce" in out
    assert "max_age: 86400" in out
    code, (kept,), _ = tlsrpt("policy", "reasons", "--format", "json")
    assert (kept["domain"], kept["what"], kept["reason"]) == ("good.example", "mode enforce", "the auditor wants it")
    assert any("verdict" in sentence for sentence in kept["against"])
    assert tlsrpt("policy", "reasons", "--format", "csv")[1].startswith("at,domain,what,reason,by,against\n")
    assert tlsrpt("policy", "reasons", "bare.example", "--format", "json")[1] == []
    assert tlsrpt("maintain", "--erase", "good.example")[0] == 0
    assert tlsrpt("policy", "reasons", "--format", "json")[1] == []


def test_a_host_that_is_to_come_is_named_beside_the_others_and_looked_at(tlsrpt):
    code, out, _ = tlsrpt("policy", "render", "good.example", "--mode", "testing", "--mx", "mx2.good.example", "--format", "json")
    assert code == 0
    assert "mx: mx.good.example\r\nmx: mx2.good.example\r\n" in out["policy"]
    code, out, err = tlsrpt("policy", "render", "good.example", "--mode", "testing", "--mx", "old.good.example")
    assert (code, out) == (1, "")
    assert "expired" in err


def test_no_policy_is_written_when_the_hosts_could_not_be_looked_at(tlsrpt, town, tmp_path):
    config = tmp_path / "deaf.toml"
    resolver = town.configuration.split('resolver = "')[1].split('"')[0]
    config.write_text(town.configuration.replace(resolver, "127.0.0.1:1").replace("timeout = 3.0", "timeout = 0.3"))
    code, out, err = tlsrpt("--config", config, "policy", "render", "good.example", "--mode", "testing")
    assert (code, out) == (2, "")
    assert "MX hosts of good.example are not known" in err


@pytest.mark.parametrize(
    "arguments", [("render",), ("render", "good.example"), ("render", "good.example", "--mode", "testing", "--max-age", "99999999")]
)
def test_what_cannot_be_written_is_said_in_one_sentence(tlsrpt, arguments):
    code, out, err = tlsrpt("policy", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_without_a_lake_testing_can_be_begun_and_enforce_cannot(tlsrpt, tmp_path):
    ask = ("--lake", tmp_path / "nowhere", "policy", "render", "good.example", "--mode")
    code, out, err = tlsrpt(*ask, "testing")
    assert code == 0
    assert "mode: testing" in out
    assert "which policies senders hold is not known" in err
    assert tlsrpt(*ask, "enforce")[0] == 1
    assert not (tmp_path / "nowhere").exists()
