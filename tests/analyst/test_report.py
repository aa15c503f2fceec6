"""The page about one domain: self-contained, harmless, and true."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from pipeline.export import page as handout
from pipeline.export.month_folder import file_names, last_month
from pipeline.export.page_facts import gather_facts
from pipeline.export.svg_charts import Series, stacked_bars
from pipeline.query import open_lake
from pipeline.settings.single_tables import DomainSettings
from tests.query import small_lake

HOSTILE = '"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>'


class Document(HTMLParser):
    """Which elements and attributes there are, and the text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.words, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "span", "b", "div", "figure", "figcaption", "i"),
    *("svg", "line", "text", "rect", "section", "dl", "dt", "dd", "pre", "ul", "li", "table", "tr", "th", "td", "code", "footer"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "viewbox", "role", "aria-label"),
    *("x", "y", "x1", "x2", "y1", "y2", "width", "height"),
}


@pytest.fixture
def page(tlsrpt, tmp_path):
    """Write the page about a domain, and read it."""

    def of(domain, *arguments):
        code, out, err = tlsrpt("report", domain, "--as-of", small_lake.AS_OF, *arguments, "-o", tmp_path / "report.html")
        assert (code, out) == (0, b"")
        assert err.startswith(("tlsrpt: Rests on", "tlsrpt: Nothing is known"))
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return of


def test_the_page_has_the_numbers_of_the_small_lake(page):
    words = " ".join(Document(page("example.org")).words)
    assert "Sessions by day" in words
    # 11 + 142 + 116 + 51 + 11: all but the 36 of example.net and the 7 of example.edu.
    assert "325 sessions" in re.sub(r"\s+", " ", words)
    assert "already-enforcing" in words
    assert "google.com" in words


def test_the_page_begins_with_one_page_for_who_decides(page):
    text = page("example.org")
    first, details = text.split('<h2 class="details">')
    words = " ".join(re.sub(r"<[^>]+>", " ", first.partition("<main>")[2]).split())
    for heading in ("Can protection be enforced? Protection is enforced", "What is wrong now?", "What is to be done?"):
        assert heading in words
    assert "senders reported 325 connections to the mail servers of this domain" in words
    for term in ("session", "already-enforcing", "upper bound", "RFC"):
        assert term not in words.split("Rests on")[0], term
    assert "h2.details { break-before: page" in text
    assert "already-enforcing" in details


def test_the_page_asks_nobody_for_anything_and_runs_nothing(page):
    text = page("example.org")
    document = Document(text)
    assert document.open == []
    assert set(document.elements) <= ELEMENTS
    assert {name for name, _ in document.attributes} <= ATTRIBUTES
    policy = re.search(r'Security-Policy" content="([^"]+)"', text)[1]
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style


def facts_of(lake, domain):
    return gather_facts(lake, domain, since=date(2026, 4, 1), as_of=date.fromisoformat(small_lake.AS_OF))


def test_what_strangers_wrote_is_text(lake):
    text = handout.page(replace(facts_of(lake, "example.org"), domain=HOSTILE))
    document = Document(text)
    assert set(document.elements) <= ELEMENTS
    assert {name for name, _ in document.attributes} <= ATTRIBUTES
    assert HOSTILE.lower() in "".join(document.words)


def test_reasons_and_names_of_reports_are_escaped_in_charts_too():
    day = date(2026, 5, 1)
    figure = stacked_bars(HOSTILE, day, day, [Series(HOSTILE, "bad", {day: 3})])
    assert set(Document(figure).elements) <= ELEMENTS


def test_a_domain_nobody_knows_has_no_page(tlsrpt):
    code, out, err = tlsrpt("report", "example.orgg")
    assert (code, out) == (2, b"")
    assert "did you mean example.org" in err


def test_a_domain_of_ours_nobody_reports_about_says_so(lake_folder):
    ours = small_lake.SETTINGS.model_copy(update={"domains": DomainSettings(own=("example.org", "nobody.example"))})
    with open_lake(lake_folder, settings=ours) as lake:
        text = handout.page(facts_of(lake, "nobody.example"))
    assert "No report about this domain counts in the period" in text
    assert "Nothing fails now" not in text


def test_bars_that_belong_to_incomplete_days_are_pale(page):
    assert len(re.findall(r'class="(?:good|bad|none) pale"', page("example.org"))) == 2  # the 10 good and 1 bad of 9 May


def test_a_page_of_too_many_days_is_refused_in_one_sentence(tlsrpt):
    code, _, err = tlsrpt("report", "example.org", "--days", "3000")
    assert (code, err) == (2, "tlsrpt: --days is at most 400 for a page: it shows one bar a day\n")


def test_a_month_is_the_last_that_is_complete_and_files_stay_in_their_folder():
    assert last_month(date(2026, 5, 30)) == (date(2026, 4, 1), date(2026, 4, 30))
    assert last_month(date(2026, 5, 31)) == (date(2026, 5, 1), date(2026, 5, 31))
    given = ["example.org", "../../etc/passwd", "..", "index", "a b.example", "a/b.example", "_.example"]
    names = list(file_names(given))
    assert names == ["example.org", "_._etc_passwd", "_", "index.3", "a_b.example", "a_b.example.5", "_.example"]


def test_a_month_of_every_domain_is_written_as_a_folder(tlsrpt, tmp_path):
    code, out, err = tlsrpt("report", "--month", tmp_path / "months", "--as-of", small_lake.AS_OF)
    assert (code, out) == (0, b"")
    assert "2026-04-01 to 2026-04-30; begin with index.html" in " ".join(err.split())
    pages = {page.name for page in (tmp_path / "months" / "2026-04").iterdir()}
    assert {"index.html", "example.org.html"} <= pages
    index = Document((tmp_path / "months" / "2026-04" / "index.html").read_text())
    assert {value for name, value in index.attributes if name == "href"} == pages - {"index.html"}
    # The reader of the folder made links of it, and a domain has gone to somebody else since.
    month, theirs = tmp_path / "months" / "2026-04", tmp_path / "theirs"
    theirs.write_text("before")
    (month / "example.org.html").unlink()
    (month / "example.org.html").symlink_to(theirs)
    (month / "gone.example.html").write_text("")
    (month / "of-somebody.html").write_text("")
    (month / "index.html").write_text((month / "index.html").read_text().replace("</table>", '<a href="gone.example.html"></a></table>'))
    assert tlsrpt("report", "--month", tmp_path / "months", "--as-of", small_lake.AS_OF)[0] == 0
    assert {page.name for page in month.iterdir()} == pages | {"of-somebody.html"}
    assert (theirs.read_text(), (month / "example.org.html").is_symlink()) == ("before", False)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "2026-04").symlink_to(month)
    assert "is a link" in tlsrpt("report", "--month", tmp_path / "linked", "--as-of", small_lake.AS_OF)[2]
    for wrong in ((), ("example.org", "--month", tmp_path), ("example.org", "--with-pdf"), ("--month", tmp_path, "--days", "3")):
        assert tlsrpt("report", *wrong)[0] == 2
