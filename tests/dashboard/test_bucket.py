"""The page on a lake in a bucket."""

from __future__ import annotations

from pipeline.lake.storage.locate import locate
from tests.dashboard import lakes
from tests.dashboard.browser import Visit, serving


def test_the_page_reads_a_lake_in_a_bucket(browser, storage, bucket, tmp_path):
    folder = lakes.small(tmp_path / "lake")
    store = locate(bucket).store
    for file in folder.rglob("*"):
        if file.is_file():
            store.put(file.relative_to(folder).as_posix(), file.read_bytes())
    with serving(bucket, cwd=tmp_path, **storage.environment()) as address:
        visit = Visit(browser, address)
        for path in ("?as_of=2026-05-10", "reports?as_of=2026-05-10", "ingest?as_of=2026-05-10"):
            page = visit.open(path)
            assert page.locator('[data-testid="stException"], [data-testid="stAlertContentError"]').count() == 0
        assert visit.wrong == []
        visit.close()
