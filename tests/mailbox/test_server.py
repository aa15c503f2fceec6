"""The test server itself: what it says when it is missing, and that it leaves nothing behind."""

from __future__ import annotations

import socket
import time

import pytest

from tests import dovecot as subject


def test_a_missing_dovecot_is_one_sentence_that_names_the_package(monkeypatch):
    monkeypatch.setattr(subject, "_EXECUTABLES", ())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(subject.DovecotMissingError, match="install the package dovecot-imapd"), subject.dovecot():
        pass


@pytest.mark.dovecot
def test_a_server_that_is_stopped_leaves_neither_files_nor_a_listener():
    with subject.dovecot() as running:
        root, port = running.root, running.port
        assert root.exists()
    assert not root.exists()
    assert refused_soon(port)


def refused_soon(port: int) -> bool:
    """Whether a port is closed soon: killed processes take a moment to be gone."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("version", [(2, 3), (2, 4)])
def test_the_configuration_of_each_version_names_everything_it_needs(tmp_path, monkeypatch, version):
    monkeypatch.setattr(subject, "_version", lambda: version)
    server = subject.Dovecot(tmp_path, subject.NO_MOVE)
    server.port, server.plain_port = 4711, 4712
    text = server._configuration()
    assert text.startswith("dovecot_config_version") == (version == (2, 4))
    assert all(str(each) in text for each in (4711, 4712, tmp_path / "passwd", tmp_path / "tls", subject.NO_MOVE))
    assert text.count("{") == text.count("}")
    assert "%u" in text if version == (2, 3) else "%{user}" in text
