"""`python -m tests.lake.maintaining FOLDER`: maintains a lake over and over until its standard input ends, and prints how often.

Where somebody else writes, it waits a moment, as a cron job comes again.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import date

from pipeline.errors import TryAgainError
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.upkeep.vacuum import clean_log


def main(root: str) -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    rounds = merged = 0
    print("ready", flush=True)
    while not ended.is_set():
        try:
            with open_for_writing(root) as lake:
                merged += sum(done.files for done in maintain(lake, today=date(2026, 5, 15)) if done.step == "merge")
                clean_log(lake)
            rounds += 1
        except TryAgainError:
            pass
        time.sleep(0.02)
    print(rounds, merged)


if __name__ == "__main__":
    main(sys.argv[1])
