"""The digest and the page about a domain as PDF; nothing from outside is asked for."""

from __future__ import annotations

import sys

import pytest

from pipeline.cli import main
from pipeline.errors import ConfigError, InputError
from pipeline.output.pdf import write_pdf
from tests.insight.asking import as_of
from tests.insight.book import DOMAIN
from tests.notify.receivers import receiver
from tests.notify.test_news import book


def test_digest_and_report_are_written_as_pdf(tmp_path, capsys):
    lake = book(8).write(tmp_path / "lake")
    for words in (("digest",), ("report", DOMAIN)):
        file = tmp_path / f"{words[0]}.pdf"
        assert main(["--lake", str(lake), *words, "--as-of", str(as_of(8)), "--pdf", str(file)]) in {0, 1}
        assert file.read_bytes().startswith(b"%PDF-")
        assert capsys.readouterr().out == ""


def test_nothing_is_fetched_and_no_file_is_read(tmp_path):
    (tmp_path / "secret.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    with receiver() as server:
        page = f"<link rel=stylesheet href='{server.url}'><img src='{server.url}'><img src='file://{tmp_path}/secret.svg'>words"
        write_pdf(page, str(tmp_path / "x.pdf"))
    assert server.requests == []


def test_what_is_missing_is_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="cannot be written"):
        write_pdf("<p>x", str(tmp_path / "no" / "x.pdf"))
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ConfigError, match="extra pdf"):
        write_pdf("<p>x", str(tmp_path / "x.pdf"))
