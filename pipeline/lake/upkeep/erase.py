"""Erasure of one domain: rows, bytes, the ledger's texts, the statistics in the Delta log.

Gone afterwards: every row of `policies` and `failures` about the domain; every report about it alone; its name in reports about others;
the bytes of every mail that carried such a report, and of unreadable mail that names the domain in its headers; texts of the ledger that
name it. What stays are hashes, so that nothing comes back from a mailbox. A report about several domains keeps the rows of the others;
its bytes go, and `rebuild` carries its rows over.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.failpoint import reach
from pipeline.lake.dedup.ledger import FILE_ACCOUNT
from pipeline.lake.dedup.settle import NAMING_COLUMNS
from pipeline.lake.delta.delta_tables import AddedFile, commit_parts
from pipeline.lake.delta.rewrite import put_part, without
from pipeline.lake.delta.row_masks import Column, Mask, all_within, any_within, is_one_of, names_domain, negated, pattern_of, put_where
from pipeline.lake.delta.scan import among, count_rows, read
from pipeline.lake.delta.snapshot import SUMS_FOLDER
from pipeline.lake.upkeep.retention import CARRIES, drop_bytes, retire
from pipeline.lake.upkeep.vacuum import clean_log, vacuum

if TYPE_CHECKING:
    from pipeline.lake.open_lake import OpenLake

_NOBODY = "erased.invalid"


class _Touched(NamedTuple):
    """Keys of the reports that speak of the domain."""

    alone: Column
    """Of no other domain."""
    any: Column


def erase_domain(lake: OpenLake, domain: str, *, dry_run: bool = False) -> Counter[str]:
    """Erase a domain; it is safe to run again, and has to be, until it comes to its end.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        domain: The domain as A-label, lower-case; names below it are others and stay.
        dry_run: Whether to count only.

    Returns:
        Rows that went, or would go, by table; for `messages` the rows that turn `erased`.
    """
    touched = _touched(lake, domain)
    went: Counter[str] = Counter()
    erases, blank = partial(_erases, touched=touched, domain=domain), partial(_blank, domain=domain)

    def loses_bytes(rows: pa.Table) -> Mask:
        return pc.or_(erases(rows), any_within(rows.column("report_keys"), touched.any))

    went["messages"] = retire(lake, erases, "erased", gone_keys=touched.alone, also=blank, dry_run=dry_run)
    reach("erase-told")
    went["raw"] = drop_bytes(lake, None, also=loses_bytes, dry_run=dry_run)
    unwanted = {
        "superseded": among("report_key", touched.alone.to_pylist()),
        "failures": pc.field("report_domain") == domain,
        "policies": pc.field("report_domain") == domain,
        "checks": pc.field("domain") == domain,
    }
    for name, condition in unwanted.items():
        files = lake.present(name)
        went[name] = count_rows(lake.location, name, [file.path for file in files], condition)
        if went[name] and not dry_run:
            adds, removes = without(lake.location, name, files, condition)
            commit_parts(lake.location, name, lake.tables[name], adds=adds, removes=removes)
            reach("erase-dropped")
    went["reports"] = len(touched.alone)
    if not dry_run:
        _erase_reports(lake, touched, domain)
        reach("erase-dropped")
        lake.commit(lake.stage())
        lake.location.store.remove_tree(SUMS_FOLDER)
        vacuum(lake, retention_hours=0)
        clean_log(lake, everything=True)
    return went


def _touched(lake: OpenLake, domain: str) -> _Touched:
    """Find them file by file: all keys of a large lake at once take gigabytes."""
    alone: list[Column] = []
    named: list[Column] = []
    for file in lake.present("reports"):
        rows = read(lake.location, "reports", [file.path], ["report_key", "report_domains"])
        keys, domains = rows.column("report_key"), rows.column("report_domains")
        alone += keys.filter(all_within(domains, [domain])).chunks
        named += keys.filter(any_within(domains, [domain])).chunks
    return _Touched(*(pa.chunked_array(chunks, pa.string()).combine_chunks() for chunks in (alone, named)))


def _erases(rows: pa.Table, touched: _Touched, domain: str) -> Mask:
    """Say which ledger rows were about the domain alone, or could not be read and name it."""
    outcome = rows.column("outcome")
    carried = pc.and_(is_one_of(outcome, CARRIES), all_within(rows.column("report_keys"), touched.alone))
    named = is_one_of(rows.column("tls_report_domain"), [domain])
    for column in ("subject", "attachment_name"):
        named = pc.or_(named, names_domain(rows.column(column), domain, below=False))
    return pc.or_(carried, pc.and_(is_one_of(outcome, ["quarantined"]), named))


def _blank(rows: pa.Table, erased: Mask, domain: str) -> pa.Table:
    """Return ledger rows without texts that name the domain; those that are erased lose all the sender's texts."""
    for name in NAMING_COLUMNS:
        mask = pc.and_(pc.or_(erased, names_domain(rows.column(name), domain)), rows.column(name).is_valid())
        if pc.any(mask).as_py():
            rows = put_where(rows, name, mask, pa.scalar(None, pa.string()))
    naming = pc.or_(erased, names_domain(rows.column("folder"), domain))
    files = pc.and_(pc.and_(naming, is_one_of(rows.column("account"), [FILE_ACCOUNT])), pc.not_equal(rows.column("folder"), pa.scalar("")))
    return put_where(rows, "folder", files, pa.scalar("")) if pc.any(files).as_py() else rows


def _erase_reports(lake: OpenLake, touched: _Touched, domain: str) -> None:
    """Write the files of `reports` that speak of the domain again: reports about it alone go, the others do not name it any more."""
    adds: list[AddedFile] = []
    removes = []
    for file in lake.present("reports"):
        if not count_rows(lake.location, "reports", [file.path], among("report_key", touched.any.to_pylist())):
            continue
        rows = read(lake.location, "reports", [file.path])
        rows = rows.filter(negated(is_one_of(rows.column("report_key"), touched.alone)))
        removes.append(file.gone)
        if rows.num_rows:
            adds.append(put_part(lake.location, "reports", _unnamed(rows, touched, domain), file.month, prefix="r"))
    if removes:
        commit_parts(lake.location, "reports", lake.tables["reports"], adds=adds, removes=removes)


def _unnamed(rows: pa.Table, touched: _Touched, domain: str) -> pa.Table:
    """Return reports about several domains without the name of this one."""
    field = rows.schema.field("report_domains")
    domains: Column = rows.column("report_domains").to_pylist()
    left: Column = pa.array([[each for each in some if each != domain] for some in domains], field.type)
    rows = rows.set_column(rows.schema.get_field_index("report_domains"), field, left)
    mask = is_one_of(rows.column("report_key"), touched.any)
    place = rows.schema.get_field_index("report_id")
    ids = rows.column("report_id")
    named = pc.replace_substring_regex(ids, pattern=pattern_of(domain), replacement=rf"\1{_NOBODY}\2")
    return rows.set_column(place, rows.schema.field("report_id"), pc.if_else(mask, named, ids))
