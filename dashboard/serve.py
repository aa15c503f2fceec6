"""The program behind `tlsrpt dashboard`: Streamlit with its own command line, and beside it what prepares the answers.

Streamlit first runs `app.py` when somebody looks; what is slow has begun by then.
"""

from __future__ import annotations

from streamlit.web.cli import main as streamlit

from dashboard import shield, warm


def main() -> None:
    """Run until the process ends."""
    shield.install()
    warm.start()
    streamlit(prog_name="streamlit")


if __name__ == "__main__":
    main()
