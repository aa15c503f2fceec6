"""`tlsrpt check` as cron calls it: exit codes, output, what is kept, and lakes made before there was a table for it."""

from __future__ import annotations

import shutil

import pytest

from pipeline.commands._published import exit_code
from pipeline.published.finding import ADDRESS_NOT_CHECKED, Finding
from tests.lake.test_commands import document
from tests.published.conftest import POLICY


def test_a_healthy_domain_is_exit_code_0_and_nothing_to_say(tlsrpt):
    code, out, err = tlsrpt("check")
    assert (code, err) == (0, "")
    assert "good.example" not in out


def test_all_says_what_is_well_too(tlsrpt):
    code, out, _ = tlsrpt("check", "--all", "--no-store")
    assert code == 0
    assert "the policy covers the MX host" in out


def test_a_fault_is_exit_code_1_and_said_with_what_to_change(tlsrpt):
    code, out, _ = tlsrpt("check", "bare.example", "--no-store", "--format", "json")
    assert code == 1
    (domain,) = out
    bad = [finding for finding in domain["findings"] if finding["severity"] == "error"]
    assert [(finding["code"], finding["where"]) for finding in bad] == [("tlsrpt-record-missing", "_smtp._tls.bare.example")]
    assert bad[0]["publish"] == '_smtp._tls.bare.example. TXT "v=TLSRPTv1; rua=mailto:tls-reports@bare.example"'


def test_json_has_the_documents_beside_the_findings(tlsrpt):
    code, out, _ = tlsrpt("check", "GOOD.example.", "--format", "json")
    assert code == 0
    assert [domain["domain"] for domain in out] == ["good.example"]
    assert {finding["severity"] for finding in out[0]["findings"]} == {"ok"}
    assert out[0]["published"]["policy_lines"] == POLICY.split("\r\n")[:-1]
    assert out[0]["published"]["sts_id"] == "1"


def test_when_nothing_could_be_looked_at_the_exit_code_says_try_again(tlsrpt, town, tmp_path):
    config = tmp_path / "deaf.toml"
    resolver = town.configuration.split('resolver = "')[1].split('"')[0]
    config.write_text(town.configuration.replace(resolver, "127.0.0.1:1").replace("timeout = 3.0", "timeout = 0.3"))
    code, out, _ = tlsrpt("--config", config, "check", "--no-store", "--format", "json")
    assert code == 75
    assert {finding["severity"] for finding in out[0]["findings"]} == {"unknown"}


def test_an_address_this_machine_has_no_network_for_asks_for_no_other_try_where_the_host_was_seen_by_another():
    unseen = Finding("smtp", ADDRESS_NOT_CHECKED, "unknown", "mx.example.org [2001:db8::1]", "no such network")
    assert exit_code([unseen]) == 0
    assert exit_code([unseen, unseen._replace(code="mx-not-checked")]) == 75
    assert exit_code([unseen, unseen._replace(code="x", severity="error")]) == 1


@pytest.mark.parametrize("name", ["not a name", "../etc", "localhost", "-x.example"])
def test_what_is_no_domain_is_refused_in_one_sentence(tlsrpt, name):
    code, out, err = tlsrpt("check", "--", name)
    assert (code, out) == (2, "")
    assert "is not a domain name" in err
    assert err.count("\n") == 1


def test_nothing_to_check_is_said(tlsrpt, town, tmp_path):
    config = tmp_path / "none.toml"
    config.write_text(town.configuration.replace('"good.example"', ""))
    code, _, err = tlsrpt("--config", config, "check")
    assert code == 2
    assert "no domain to check" in err


def test_no_store_leaves_no_lake_behind(tlsrpt, tmp_path):
    (tmp_path / "lake").rmdir()
    code, _, err = tlsrpt("check", "--no-store")
    assert (code, err) == (0, "")
    assert not (tmp_path / "lake").exists()


def test_before_there_is_a_lake_a_check_looks_and_says_that_nothing_is_kept(tlsrpt, tmp_path):
    (tmp_path / "lake").rmdir()
    code, _, err = tlsrpt("check")
    assert (code, err.count("\n")) == (0, 1)
    assert f"the results of this check are not stored: there is no lake at {tmp_path}/lake" in err
    assert not (tmp_path / "lake").exists()


def test_two_checks_are_held_against_each_other_and_both_are_kept(tlsrpt, town):
    assert tlsrpt("check")[0] == 0
    town.publish(POLICY.replace("testing", "enforce"))
    code, out, _ = tlsrpt("check", "--format", "json")
    assert code == 1
    assert [finding["code"] for finding in out[0]["findings"] if finding["severity"] == "error"] == ["id-unchanged"]
    _, latest, _ = tlsrpt("questions", "run", "checks_latest", "--format", "json")
    assert latest[0]["code"] == "id-unchanged"
    assert {row["severity"] for row in latest[1:]} == {"ok"}
    _, (changed,), _ = tlsrpt("questions", "run", "published_changes", "--format", "json")
    assert [changed[f"{what}_changed"] for what in ("policy", "id", "tlsrpt", "mx", "tlsa")] == [True, False, False, False, False]
    assert "mode: enforce" in changed["policy_lines"]
    assert "mode: enforce" not in changed["policy_lines_before"]
    _, (now,), _ = tlsrpt("questions", "run", "published_now", "--format", "json")
    assert now["policy_since"] == now["checked_at"] == changed["checked_at"] > changed["checked_before"]
    assert "mode: enforce" in now["policy_lines"]


def test_a_check_that_could_not_fetch_the_policy_is_no_change_of_it(tlsrpt, town):
    assert tlsrpt("check")[0] == 0
    del town.pages["mta-sts.good.example"]
    assert tlsrpt("check")[0] == 1
    town.publish(POLICY)
    assert tlsrpt("check")[0] == 0
    _, (now,), _ = tlsrpt("questions", "run", "published_now", "--format", "json")
    _, (first,), _ = tlsrpt("sql", "select min(checked_at) as at, count(distinct checked_at)::int as n from checks", "--format", "json")
    assert (now["policy_since"], first["n"]) == (first["at"], 3)


def test_a_lake_whose_checks_are_gone_is_refused_because_no_mail_holds_them(tlsrpt, tmp_path):
    (tmp_path / "1.json").write_bytes(document(1))
    assert tlsrpt("ingest", "--workers", "0", tmp_path / "1.json")[0] == 0
    assert tlsrpt("check")[0] == 0
    shutil.rmtree(tmp_path / "lake" / "checks")
    code, _, said = tlsrpt("incidents")
    assert (code, "backup" in said) == (74, True)


def test_a_watch_says_only_what_is_new_different_or_over(tlsrpt, town):
    assert tlsrpt("check", "--changed")[:2] == (0, "")
    assert tlsrpt("check", "--changed")[:2] == (0, "")
    town.publish(POLICY.replace("mx.good", "mx9.good"))
    code, out, _ = tlsrpt("check", "--changed", "--format", "json")
    assert code == 1
    assert {(change["change"], change["code"]) for change in out} == {
        ("new", "mx-not-in-policy"),
        ("new", "mx-pattern-unused"),
        ("new", "id-unchanged"),
        ("different", "policy-lines-changed"),
    }
    code, out, _ = tlsrpt("check", "--changed")
    assert (code, out) == (1, "")  # it is still wrong, and nothing is said again
    town.publish(POLICY)
    code, out, _ = tlsrpt("check", "--changed")
    assert "OVER: good.example" in out
    assert "mx-not-in-policy" not in out


def test_what_could_not_be_looked_at_this_time_is_neither_over_nor_different(tlsrpt, town, tmp_path):
    town.publish(POLICY.replace("mx.good", "mx9.good"))
    assert tlsrpt("check")[0] == 1
    config = tmp_path / "deaf.toml"
    resolver = town.configuration.split('resolver = "')[1].split('"')[0]
    config.write_text(town.configuration.replace(resolver, "127.0.0.1:1").replace("timeout = 3.0", "timeout = 0.3"))
    code, out, _ = tlsrpt("--config", config, "check", "--changed", "--format", "json")
    assert code == 75
    assert {(change["change"], change["severity"]) for change in out} == {("new", "unknown")}
    _, (now,), _ = tlsrpt("questions", "run", "published_now", "--format", "json")
    assert (now["mx_hosts"], now["sts_id"], now["known_sts_id"]) == (["mx.good.example"], None, "1")
    assert now["mx_seen_at"] == now["tlsa_seen_at"] < now["checked_at"]  # an old fact is not shown as today's
    town.publish(POLICY)
    code, (domain,), _ = tlsrpt("check", "--format", "json")
    assert code == 1
    # Held against the last check that saw both.
    assert [finding["code"] for finding in domain["findings"] if finding["severity"] != "ok"] == ["id-unchanged"]
    (change,) = tlsrpt("questions", "run", "published_changes", "--format", "json")[1]
    assert [change[f"{what}_changed"] for what in ("policy", "id", "mx", "tlsa")] == [True, False, False, False]


def test_the_list_is_made_for_a_terminal_of_eighty_columns(tlsrpt, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = tlsrpt("check", "bare.example", "--no-store")
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == "bare.example"
    assert lines[-1] == "1 domain checked: 1 error, 1 warning"
    assert all(len(line) <= 80 for line in lines if "publish:" not in line)
    assert [line for line in lines if "publish:" in line] == [
        '           publish: _smtp._tls.bare.example. TXT "v=TLSRPTv1; rua=mailto:tls-reports@bare.example"'
    ]


def test_an_mx_host_of_many_domains_is_looked_at_once(tlsrpt, monkeypatch):
    from pipeline.published import smtp

    looked = []
    look = smtp.look
    monkeypatch.setattr(smtp, "look", lambda host, address, **how: looked.append((host, address)) or look(host, address, **how))
    assert tlsrpt("check", "good.example", "bare.example", "--no-store")[0] == 1
    assert looked == [("mx.good.example", "127.0.1.1")]
