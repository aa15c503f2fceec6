"""Progress bars beside what is logged."""

from __future__ import annotations

import re

from pipeline import log
from pipeline.commands._bars import Bars


def test_what_is_logged_while_a_bar_is_drawn_has_lines_of_its_own(capsys):
    log.set_up(layout="text", level="info")
    bars = Bars()
    bars.begin("rua", 3)
    bars.advance(1)
    log.info("mail-stored", uid=7)
    bars.advance(2)
    bars.end()
    log.info("done")
    written = capsys.readouterr().err
    assert "rua: 100%" in written
    assert [line.strip() for line in re.split("[\r\n]", written) if "mail-stored" in line or "done" in line] == [
        "mail-stored uid=7",
        "done",
    ]
