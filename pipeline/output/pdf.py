"""Pages as PDF, by WeasyPrint (the extra `pdf`): nothing from outside is fetched, whatever the page names."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.errors import ConfigError, InputError

_PAGE = (
    "@page { size: A4; margin: 16mm 15mm; @bottom-right { content: counter(page) ' / ' counter(pages); font-size: 9px } }"
    "section { break-inside: auto !important } dd, pre { break-inside: avoid }"
)


def write_pdf(page: str, path: str) -> None:
    """Write a page of ours as PDF.

    Args:
        page: A whole HTML document.
        path: The file, which is replaced.

    Raises:
        ConfigError: WeasyPrint, or a library of the system that it needs, is missing.
        InputError: The file cannot be written.
    """
    content = pdf_of(page)
    try:
        Path(path).write_bytes(content)
    except OSError as err:
        raise InputError(f"{path} cannot be written: {err.strerror}") from err


def pdf_of(page: str) -> bytes:
    """Return a page of ours as PDF.

    Args:
        page: A whole HTML document.

    Raises:
        ConfigError: WeasyPrint, or a library of the system that it needs, is missing.
    """
    try:
        import weasyprint
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as err:
        raise ConfigError("PDF needs the extra pdf and Pango: pip install 'tlsrpt-analytics[pdf]', apt install libpango-1.0-0") from err
    closed = URLFetcher(allowed_protocols=())
    content: bytes = weasyprint.HTML(string=_with_drawn_colours(page), url_fetcher=closed).write_pdf(
        stylesheets=[weasyprint.CSS(string=_PAGE, url_fetcher=closed)]
    )
    return content


def _with_drawn_colours(page: str) -> str:
    """Return the page with its style sheet in each drawing, too: WeasyPrint minds no other there, and knows no variables in it."""
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    if style is None:
        return page
    values = dict(re.findall(r"(--[\w-]+):\s*([^;}]+)", style[1]))
    plain = re.sub(r"var\((--[\w-]+)\)", lambda found: values.get(found[1], "currentcolor").strip(), style[1])
    return re.sub(r"(<svg\b[^>]*>)", lambda found: f"{found[1]}<style>{plain}</style>", page)
