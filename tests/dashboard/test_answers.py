"""The store of answers: each is worked out once, whoever waits, and nobody waits for work that nobody does."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.answers import Answers


def test_an_answer_that_many_ask_for_at_once_is_worked_out_once():
    answers, done = Answers(10), []

    def slow():
        time.sleep(0.05)
        done.append(1)
        return "answer"

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: answers.of("key", slow).answer(), range(8))) == ["answer"] * 8
    assert done == [1]


def test_an_answer_that_failed_tells_everybody_and_is_tried_again():
    answers = Answers(10)
    with pytest.raises(ZeroDivisionError):
        answers.of("key", lambda: 1 // 0).answer()
    assert answers.of("key", lambda: 2).answer() == 2
    assert answers.of("key", lambda: 3).answer() == 2


def test_the_answers_asked_for_last_are_kept():
    answers = Answers(2)
    for key in ("a", "b", "a", "c"):
        answers.of(key, lambda key=key: key).answer()
    assert answers.of("a", lambda: "again").answer() == "a"
    assert answers.of("b", lambda: "again").answer() == "again"


def test_answers_of_an_older_version_are_forgotten():
    answers = Answers(9)
    answers.of(("1", "x"), lambda: "old").answer()
    answers.of(("2", "x"), lambda: "new").answer()
    answers.forget(lambda key: key[0] == "1")
    assert answers.of(("1", "x"), lambda: "again").answer() == "again"
    assert answers.of(("2", "x"), lambda: "again").answer() == "new"


def test_an_answer_that_rests_on_another_waiting_in_the_same_queue_does_not_wait_for_ever():
    answers = Answers(9)
    with ThreadPoolExecutor(1) as pool:
        begun = threading.Event()

        def outer():
            begun.wait(5)
            return answers.of("inner", lambda: 1).answer() + 1

        whole = answers.of("outer", outer)
        running = pool.submit(whole.work)
        pool.submit(answers.of("inner", lambda: 1).work)  # queued behind the one that needs it
        begun.set()
        assert whole.wait(5)
        assert whole.answer() == 2
        running.result(5)
