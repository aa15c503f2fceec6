"""Takes the pictures of the README: the demo's lake, its dashboard, a browser.

`python -m tests.project.screenshots` (`make screenshots`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from pipeline.demo.children import answers, free_port
from tests.project.tree import ROOT

FOLDER = ROOT / "dashboard" / "static" / "screenshots"
PAGES = {"overview": ""}
"""Name of the picture, and the page it is of."""
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    """Make the lake, run the page, take the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    tlsrpt = [sys.executable, "-m", "pipeline.cli"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*tlsrpt, "demo", "--no-dashboard", "--dir", folder], check=True)
        port = free_port(8501)
        command = [*tlsrpt, "--config", str(Path(folder) / "tlsrpt.toml"), "dashboard", "--port", str(port)]
        with subprocess.Popen(command) as page:
            try:
                if not answers(f"http://127.0.0.1:{port}/_stcore/health", page, 60):
                    sys.exit("the dashboard did not come up")
                _take(f"http://127.0.0.1:{port}")
            finally:
                page.terminate()


def _take(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        view = browser.new_page(viewport={"width": 1280, "height": 1000})
        for name, path in PAGES.items():
            view.goto(f"{address}/{path}")
            view.wait_for_selector(READY, timeout=60_000)
            time.sleep(3)  # charts draw themselves after the script has ended
            view.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
