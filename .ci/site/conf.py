"""The documentation as a site: the Markdown files of pipeline/docs as they are, with a search that asks nobody outside.

`make site` runs Sphinx with it. Links to files of the repository that are no pages become downloads; a link that leads nowhere ends the build.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "pipeline" / "docs"
sys.path.insert(0, str(ROOT))

from pipeline import __version__  # noqa: E402

project = "tlsrpt-analytics"
release = version = __version__
extensions = ["myst_parser"]
myst_heading_anchors = 3
root_doc = "README"
html_theme = "furo"
html_title = f"{project} {release}"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_search_scorer = str(Path(__file__).with_name("scorer.js"))
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
highlight_language = "none"


def _is_elsewhere(target: Path) -> bool:
    """A page or folder of the repository that is none of the site."""
    return (target.suffix == ".md" or target.is_dir()) and not target.resolve().is_relative_to(DOCS)


def _contents(app: Any, name: str, source: list[str]) -> None:
    """Give the list of pages to the navigation, in the order in which the front page has it; folders of the repository are named, not linked."""
    folder = (DOCS / name).parent
    source[0] = re.sub(r"\[([^\]]+)\]\((\.\./[^)#\s]+)\)", lambda link: link[1] if _is_elsewhere(folder / link[2]) else link[0], source[0])
    if name == root_doc:
        for section in re.split(r"(?m)^## ", source[0]):
            title = section.partition("\n")[0] if not section.startswith("# ") else ""
            pages = re.findall(r"\]\(([\w/-]+)\.md\)", section)
            source[0] += f"\n\n```{{toctree}}\n:hidden:\n{f':caption: {title}' if title else ''}\n\n" + "\n".join(pages) + "\n```\n"
    if name == "decisions/README":
        pages = sorted(path.stem for path in (DOCS / "decisions").glob("[0-9]*.md"))
        source[0] += "\n\n```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"


def _front(app: Any, error: Exception | None) -> None:
    """The front page is also what a web server shows for the folder."""
    if error is None:
        (Path(app.outdir) / "index.html").write_bytes((Path(app.outdir) / "README.html").read_bytes())


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _contents)
    app.connect("build-finished", _front)
