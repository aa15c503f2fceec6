"""Erasing a domain leaves no trace of its name anywhere in the lake's folder, and leaves everybody else alone."""

from __future__ import annotations

import base64
import gzip
import zlib
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copytree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import cli
from pipeline.config import Settings, load_settings
from pipeline.lake.delta.snapshot import open_snapshot
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.storage.locate import locate
from pipeline.lake.upkeep.erase import erase_domain
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.writer import LakeWriter
from pipeline.notify.audit import audit, audited
from pipeline.query import month_sums, open_lake
from tests.lake.build import message, report
from tests.lake.content import content, rows

DOMAIN = "victim.example"
OTHER = "other.example"
FEBRUARY = date(2026, 2, 9)


def mail(domain: str, text: str = "") -> bytes:
    """A mail as they come: the domain in a header, in base64 of gzip, and in plain text."""
    packed = base64.encodebytes(gzip.compress(f'{{"policy-domain": "{domain}"}} {text}'.encode(), mtime=0))
    return f"Subject: Report Domain: {domain}\r\n\r\n".encode() + packed


def about(name: str, domain: str, **more) -> object:
    made = report(name, domain=domain, mx=f"mx.{domain}", **more)
    return made._replace(report=made.report._replace(report_id=f"{name}_{domain}"))


def subject(domain: str) -> str:
    return f"Report Domain: {domain} Submitter: reporter.example"


def fill(root: Path) -> None:
    with LakeWriter(root, run_id="run") as writer:
        writer.commit(
            [
                message("m1", about("r1", DOMAIN), content=mail(DOMAIN), subject=subject(DOMAIN)),
                message("m2", about("r2", OTHER), content=mail(OTHER), subject=subject(OTHER)),
                message("m3", about("r3", DOMAIN, day=FEBRUARY), content=mail(DOMAIN, "3"), subject=subject(DOMAIN)),
            ]
        )
        both = report("r4", domains=(DOMAIN, OTHER))
        both = both._replace(report=both.report._replace(report_id=f"r4 {DOMAIN}"))
        writer.commit(
            [
                message("m4", both, content=mail(DOMAIN, OTHER), subject=subject(DOMAIN)),
                message("m5", about("r1", DOMAIN), content=mail(DOMAIN, "again"), subject=subject(DOMAIN)),
                message("m6", about("r1", DOMAIN, content="b"), content=mail(DOMAIN, "else"), subject=subject(DOMAIN)),
                message("m7", content=mail(DOMAIN, "broken"), subject=subject(DOMAIN)),
                message("m8", about("r8", DOMAIN), about("r9", OTHER), content=mail(DOMAIN, "two"), subject=subject(OTHER)),
                message("m10", about("r10", OTHER), content=mail(OTHER, "10"), subject=subject(OTHER)),
                message(f"m11 {DOMAIN}", about("r11", DOMAIN), account="file", folder=f"mails/{DOMAIN}", content=mail(DOMAIN, "11")),
            ]
        )


def names_in(root: Path, name: str) -> list[str]:
    """Every file of the lake in which the name occurs: in its path, its bytes, its Parquet values, or packed in the bytes of a mail."""
    needle = name.encode()
    found = []
    for path in sorted(root.rglob("*")):
        texts = [str(path.relative_to(root)).encode()]
        if path.is_file():
            texts.append(path.read_bytes())
            if ".parquet" in path.name:
                texts += _values(pq.ParquetFile(path).read())
        if any(needle in text for text in texts):
            found.append(str(path.relative_to(root)))
    return found


def _values(table: pa.Table) -> list[bytes]:
    texts = [repr(table.drop_columns([c for c in table.column_names if c == "content"]).to_pylist()).encode()]
    for body in table.column("content").to_pylist() if "content" in table.column_names else []:
        packed = body.partition(b"\r\n\r\n")[2]
        texts += [body, zlib.decompress(base64.decodebytes(packed), wbits=31) if packed else b""]
    return texts


def erase(root: Path, domain: str = DOMAIN, **more):
    with open_for_writing(root) as lake:
        return erase_domain(lake, domain, **more)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    root = tmp_path_factory.mktemp("filled") / "lake"
    fill(root)
    return root


def with_sums(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make the sums of its months, which name every domain, and return their files."""
    monkeypatch.setattr(month_sums, "LEAST_ROWS", 1)
    with open_lake(root, settings=Settings()) as opened:
        assert list(opened.make_sums("2026-05"))
    return [name for name in names_in(root, DOMAIN) if "sums" in name]


@pytest.fixture
def lake(filled, tmp_path):
    return copytree(filled, tmp_path / "lake")


def test_the_name_is_nowhere_in_the_folder_afterwards(lake, monkeypatch):
    assert len(names_in(lake, DOMAIN)) > 10
    assert with_sums(lake, monkeypatch)
    erase(lake)
    assert names_in(lake, DOMAIN) == []


def test_the_name_is_nowhere_after_compaction_checkpoints_and_a_rewritten_ledger_either(lake):
    with open_for_writing(lake) as opened:
        maintain(opened, today=date(2026, 5, 1))
    with LakeWriter(lake, run_id="run") as writer:
        writer.replace([message("m1", about("r1", DOMAIN, tier="verified"), content=mail(DOMAIN), subject=subject(DOMAIN))])
    erase(lake)
    assert names_in(lake, DOMAIN) == []


def test_everybody_else_is_left_alone(lake):
    before = {repr(row) for row in rows(lake, "policies") if row["report_domain"] == OTHER}
    erase(lake)
    assert {repr(row) for row in rows(lake, "policies")} == before
    assert {row["report_domain"] for row in rows(lake, "failures")} == {OTHER}
    assert {row["report_id"] for row in rows(lake, "reports")} == {
        "r2_other.example",
        "r4 erased.invalid",
        "r9_other.example",
        "r10_other.example",
    }
    assert {tuple(row["report_domains"]) for row in rows(lake, "reports")} == {(OTHER,)}
    assert len(rows(lake, "raw")) == 2


def test_the_ledger_remembers_without_naming(lake):
    erase(lake)
    ledger = {row["uid"]: row for row in rows(lake, "messages")}
    assert {uid for uid, row in ledger.items() if row["outcome"] == "erased"} == {1, 3, 5, 6, 7, None}
    assert {uid for uid, row in ledger.items() if row["outcome"] == "stored"} == {2, 4, 8, 10}
    assert (ledger[1]["subject"], ledger[1]["tls_report_domain"], ledger[4]["subject"]) == (None, None, None)
    assert ledger[2]["subject"] == subject(OTHER)


def test_nothing_comes_back_from_a_mailbox_made_anew(lake):
    erase(lake)
    before = content(lake)
    with LakeWriter(lake, run_id="run") as writer:
        both = report("r4", domains=(DOMAIN, OTHER))
        again = writer.commit(
            [
                message("m1", about("r1", DOMAIN), content=mail(DOMAIN), subject=subject(DOMAIN), uidvalidity=2),
                message("m4", both, content=mail(DOMAIN, OTHER), subject=subject(DOMAIN), uidvalidity=2),
                message("m7", content=mail(DOMAIN, "broken"), subject=subject(DOMAIN), uidvalidity=2),
                message("m8", about("r8", DOMAIN), about("r9", OTHER), content=mail(DOMAIN, "two"), subject=subject(DOMAIN), uidvalidity=2),
                message("m9", about("r3", DOMAIN, day=FEBRUARY), content=mail(DOMAIN, "new"), subject=subject(DOMAIN), uidvalidity=2),
            ]
        )
    assert again.outcomes == ["erased", "duplicate", "erased", "duplicate", "erased"]
    after = content(lake)
    assert {name: after[name] for name in after if name != "messages"} == {name: before[name] for name in before if name != "messages"}
    assert [row["subject"] for row in rows(lake, "messages") if row["uidvalidity"] == 2 and row["outcome"] == "erased"] == [None] * 3


def test_a_dry_run_tells_the_same_numbers_and_changes_nothing(lake):
    before = content(lake)
    told = erase(lake, dry_run=True)
    assert content(lake) == before
    assert erase(lake) == told
    assert told == {"messages": 6, "raw": 7, "reports": 5, "policies": 6, "failures": 6, "superseded": 1, "checks": 0}


def test_a_name_that_only_looks_like_it_is_another(tmp_path):
    with LakeWriter(tmp_path, run_id="run") as writer:
        for number, domain in enumerate(("example.org", "an.example.org", "anexample.org", "example.org.uk", "my-example.org")):
            writer.commit([message(f"m{number}", about(f"r{number}", domain), subject=subject(domain))])
    erase(tmp_path, "example.org")
    assert {row["report_domain"] for row in rows(tmp_path, "policies")} == {
        "an.example.org", "anexample.org", "example.org.uk", "my-example.org",
    }  # fmt: skip
    kept = {row["uid"]: row["subject"] for row in rows(tmp_path, "messages")}
    assert [kept[number] is None for number in range(5)] == [True, True, False, False, False]


def test_answers_that_were_cached_are_asked_again(lake):
    version = open_snapshot(lake).version
    erase(lake)
    assert open_snapshot(lake).version != version


def test_the_lake_goes_on_after_an_erasure(lake):
    erase(lake)
    with LakeWriter(lake, run_id="run") as writer:
        assert writer.ledger.uids("rua", "INBOX", 1).missing([1, 2, 12]) == [12]
        received = datetime(2026, 3, 12, tzinfo=UTC)
        assert writer.commit([message("m12", report("r12"), received_at=received)]).outcomes == ["stored"]
    assert len(rows(lake, "reports")) == 5


def _grouped(root: Path, tmp_path: Path, *domains: str) -> Path:
    config = tmp_path / "tlsrpt.toml"
    config.write_text(
        f'[lake]\npath = "{root}"\n[[group]]\nname = "a"\ndomains = {list(domains)}\n'
        f'[[group]]\nname = "b"\ndomains = ["{OTHER}", "both.{DOMAIN}"]\n'
    )
    return config


def test_the_data_of_a_group_is_handed_over_and_erased(filled, tmp_path, capsys, monkeypatch):
    root = Path(copytree(filled, tmp_path / "lake"))
    assert with_sums(root, monkeypatch)
    config = _grouped(root, tmp_path, DOMAIN, "*.nothing.example")
    handed = tmp_path / "handed.duckdb"
    assert cli.main(["--config", str(config), "export", str(handed), "--group", "a"]) in (0, 1)
    audit(load_settings(str(config)).for_groups("a"), "sign-in", f"ann@{DOMAIN}")
    audit(load_settings(str(config)).for_groups("a"), "raw-view", "ops@provider.example", what=f"r1_{DOMAIN}")
    assert any(name.startswith("_notes") for name in names_in(root, DOMAIN))
    assert cli.main(["--config", str(config), "maintain", "--erase-group", "a", "--dry-run"]) == 0
    assert any(name.startswith("policies") for name in names_in(root, DOMAIN))
    assert cli.main(["--config", str(config), "maintain", "--erase-group", "a"]) == 0
    assert names_in(root, DOMAIN) == []
    assert names_in(root, OTHER) != []
    said = [(line.act, line.who, line.what) for line in audited(locate(root))][1:]
    assert said == [("sign-in", "(erased)", ""), ("raw-view", "ops@provider.example", "(erased)")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--erase-group", "a"], f"both.{DOMAIN} is of group b, too, and nothing is erased"),
        (["--erase-group", "c"], "there is no group 'c'"),
        (["--erase-group", "a", "--erase", DOMAIN], "give one of"),
    ],
)
def test_what_another_group_sees_is_not_erased_with_a_group(filled, tmp_path, capsys, arguments, said):
    config = _grouped(filled, tmp_path, DOMAIN, f"both.{DOMAIN}")
    assert cli.main(["--config", str(config), "maintain", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert names_in(filled, DOMAIN) != []
