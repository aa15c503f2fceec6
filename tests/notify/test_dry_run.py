"""`notify --dry-run` shows each channel's message as it would be sent, and sends and remembers nothing."""

from __future__ import annotations

from pipeline.cli import main
from tests.insight.asking import as_of
from tests.insight.book import MX1
from tests.notify.receivers import receiver
from tests.notify.test_news import book


def test_it_shows_the_message_and_what_alertmanager_would_be_posted(tmp_path, capsys):
    lake = book(8).write(tmp_path / "lake")
    with receiver() as server:
        config = tmp_path / "tlsrpt.toml"
        config.write_text(
            f'[lake]\npath = "{lake}"\n[trust]\nreporters = ["google.com", "microsoft.com"]\n[notify]\nlink = "https://tls.example.org"\n'
            f'[[notify.channel]]\nname = "desk"\nkind = "webhook"\nurl = "{server.url}"\ntags = []\n'
            f'[[notify.channel]]\nname = "state"\nkind = "alertmanager"\nurl = "{server.url}"\ntags = []\n'
            f'[[notify.channel]]\nname = "no"\nkind = "webhook"\nurl = "{server.url}"\ntags = ["rollover"]\n',
            encoding="utf-8",
        )
        config.chmod(0o600)
        for _ in range(2):
            assert main(["--config", str(config), "notify", "--dry-run", "--as-of", str(as_of(8))]) == 0
        told = capsys.readouterr().out
    assert server.requests == []
    assert not (lake / "_notes" / "outbox.json").exists()
    assert told.startswith("desk:\n  Subject: TLS reports: 1 open fault, 1 of them yours\n\n  SUMMARY: 1 open fault")
    assert f"state:\n  Certificate of the MX host has expired: {MX1}, for example.org\nno: nothing\n" in told
