from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest

from pipeline.report.limits import DEFAULT_LIMITS
from tests.mailbox.box import QUICK, Known, fetch_all, mail, mailbox

pytestmark = pytest.mark.dovecot


def test_messages_come_byte_for_byte_with_their_internaldate(server, user):
    sent = b"From: a@example.org\r\nX-Odd:  two  blanks\t\r\n\r\n8-bit \xe4\xf6\xfc\r\n\r\n"
    server.deliver(user.name, sent, received_at=datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC))
    with mailbox(server, user) as box:
        state = box.open("INBOX")
        (chunk,) = box.fetch(box.new_uids(Known().missing))
    (fetched,) = chunk
    assert fetched.content == sent
    assert fetched.received_at == datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    assert fetched.size_bytes == len(sent)
    assert fetched.ref == ("rua", "INBOX", state.uidvalidity, 1, None)


def test_examine_leaves_every_flag_alone(server, user):
    server.deliver_all(user.name, [mail(1), mail(2)])
    before = server.flags(user.name)
    with mailbox(server, user) as box:
        assert box.open("INBOX").read_only
        assert len(fetch_all(box)) == 2
    assert server.flags(user.name) == before == {1: set(), 2: set()}


def test_fetching_marks_nothing_as_seen_even_in_a_writable_folder(server, user):
    server.deliver(user.name, mail(1, size=5000))
    with mailbox(server, user, after="seen", pace=QUICK._replace(whole_bytes=1000)) as box:
        assert not box.open("INBOX").read_only
        assert fetch_all(box) == {1: mail(1, size=5000)}
    assert server.flags(user.name) == {1: set()}


def test_only_new_uids_are_named(server, user):
    server.deliver_all(user.name, [mail(number) for number in range(5)])
    with mailbox(server, user) as box:
        box.open("INBOX")
        assert box.new_uids(Known(1, 2, 4).missing) == [3, 5]
        assert box.new_uids(Known(1, 2, 3, 4, 5).missing) == []


def test_an_empty_folder_has_no_uids(server, user):
    with mailbox(server, user) as box:
        assert box.open("INBOX").exists == 0
        assert box.new_uids(Known().missing) == []
        assert list(box.fetch([])) == []


def test_a_large_folder_is_searched_in_windows(server, user):
    """A folder of 180,000 messages answers SEARCH ALL with a line beyond imaplib's limit; here the window is small instead."""
    server.deliver_all(user.name, [mail(number) for number in range(60)])
    with mailbox(server, user, pace=QUICK._replace(search_uids=7)) as box:
        asked = watch_searches(box)
        box.open("INBOX")
        assert box.new_uids(Known(*range(1, 31)).missing) == list(range(31, 61))
    assert len(asked) > 3
    assert all(last - first < 60 for first, last in asked)


def test_uids_far_apart_need_few_searches(server, user):
    """Where most UIDs are gone the windows grow, and the last one is open-ended."""
    server.deliver_all(user.name, [mail(number) for number in range(40)])
    server.expunge(user.name, *range(2, 40))
    with mailbox(server, user, pace=QUICK._replace(search_uids=5)) as box:
        asked = watch_searches(box)
        box.open("INBOX")
        assert box.new_uids(Known().missing) == [1, 40]
    assert len(asked) == 1


def watch_searches(box) -> list[tuple[int, int]]:
    """Collect the UID ranges that are searched."""
    asked = []
    once = box.session.once

    def spy(operation, **options):
        class Recorder:
            def search(self, criteria):
                asked.append(tuple(map(int, criteria[1].split(":"))))

        with contextlib.suppress(AttributeError):
            operation(Recorder())
        return once(operation, **options)

    box.session.once = spy
    return asked


def test_chunks_end_at_the_number_of_messages(server, user):
    server.deliver_all(user.name, [mail(number) for number in range(25)])
    with mailbox(server, user, pace=QUICK._replace(chunk_messages=10, size_messages=12)) as box:
        box.open("INBOX")
        chunks = list(box.fetch(box.new_uids(Known().missing)))
    assert [len(chunk) for chunk in chunks] == [10, 2, 10, 2, 1]
    assert [fetched.ref.uid for chunk in chunks for fetched in chunk] == list(range(1, 26))


def test_chunks_end_at_their_size(server, user):
    server.deliver_all(user.name, [mail(number, size=4000) for number in range(6)])
    with mailbox(server, user, pace=QUICK._replace(chunk_bytes=9000)) as box:
        box.open("INBOX")
        assert [len(chunk) for chunk in box.fetch(box.new_uids(Known().missing))] == [2, 2, 2]


def test_a_message_over_the_limit_is_handed_over_without_being_fetched(server, user):
    server.deliver_all(user.name, [mail(1), mail(2, size=300_000), mail(3)])
    with mailbox(server, user, limits=DEFAULT_LIMITS._replace(message_bytes=10_000)) as box:
        box.open("INBOX")
        fetched = {each.ref.uid: each for chunk in box.fetch([1, 2, 3]) for each in chunk}
    assert (fetched[1].content, fetched[3].content) == (mail(1), mail(3))
    assert fetched[2].content is None
    assert fetched[2].size_bytes == len(mail(2, size=300_000))


def test_a_large_message_comes_in_pieces_and_whole(server, user):
    sent = mail(1, size=2_500_000)
    exact = mail(2)
    exact += b"y" * (2 * 1024 * 1024 - len(exact) - 2) + b"\r\n"  # a whole number of pieces
    server.deliver_all(user.name, [sent, mail(3), exact])
    with mailbox(server, user) as box:
        assert fetch_all(box) == {1: sent, 2: mail(3), 3: exact}


def test_a_uid_that_has_vanished_stops_nothing(server, user):
    server.deliver_all(user.name, [mail(number) for number in range(1, 6)])
    with mailbox(server, user) as box:
        box.open("INBOX")
        uids = box.new_uids(Known().missing)
        server.expunge(user.name, 2, 4)
        fetched = [each.ref.uid for chunk in box.fetch(uids) for each in chunk]
        assert fetched == [1, 3, 5]
        assert box.vanished == [2, 4]
        assert box.unanswered == []


def test_a_message_expunged_between_its_size_and_its_body_stops_nothing(server, user):
    server.deliver_all(user.name, [mail(number) for number in range(1, 7)])
    with mailbox(server, user, pace=QUICK._replace(chunk_messages=2)) as box:
        box.open("INBOX")
        chunks = box.fetch(box.new_uids(Known().missing))
        first = next(chunks)
        server.expunge(user.name, 4, 5, 6)
        rest = [each.ref.uid for chunk in chunks for each in chunk]
        assert [each.ref.uid for each in first] == [1, 2]
        assert rest == [3]
        assert box.vanished == [4, 5, 6]


def test_flags_changed_by_somebody_else_meanwhile_do_not_disturb(server, user):
    """They come as FETCH responses that nobody asked for."""
    server.deliver_all(user.name, [mail(number) for number in range(1, 9)])
    with mailbox(server, user, pace=QUICK._replace(chunk_messages=2)) as box:
        box.open("INBOX")
        contents = {}
        for chunk in box.fetch(box.new_uids(Known().missing)):
            server.set_flags(user.name, "\\Flagged", *range(1, 9))
            contents |= {each.ref.uid: each.content for each in chunk}
    assert contents == {number: mail(number) for number in range(1, 9)}


def test_mail_that_arrives_during_a_run_waits_for_the_next(server, user):
    server.deliver(user.name, mail(1))
    with mailbox(server, user) as box:
        box.open("INBOX")
        server.deliver(user.name, mail(2))
        assert box.new_uids(Known().missing) == [1]
        box.open("INBOX")
        assert box.new_uids(Known(1).missing) == [2]


def test_several_folders_are_read_one_after_the_other(server, user):
    server.deliver(user.name, mail(1))
    server.deliver(user.name, mail(2), folder="Reports")
    with mailbox(server, user) as box:
        assert fetch_all(box) == {1: mail(1)}
        assert fetch_all(box, "Reports") == {1: mail(2)}


def test_a_server_that_answers_for_fewer_messages_than_asked_is_asked_again_in_halves(server, user):
    server.deliver_all(user.name, [mail(number) for number in range(1, 41)])
    with mailbox(server, user) as box:
        box.open("INBOX")
        uids = box.new_uids(Known().missing)
        asked = answer_at_most(box, 7)
        contents = {each.ref.uid: each.content for chunk in box.fetch(uids) for each in chunk}
        assert contents == {number: mail(number) for number in range(1, 41)}
        assert box.unanswered == []
        assert max(asked) == 40
        assert min(asked) <= 7


def test_a_message_that_never_comes_is_left_for_the_next_run(server, user):
    server.deliver_all(user.name, [mail(number) for number in range(1, 10)])
    with mailbox(server, user) as box:
        box.open("INBOX")
        uids = box.new_uids(Known().missing)
        answer_at_most(box, 100, never=5)
        contents = {each.ref.uid for chunk in box.fetch(uids) for each in chunk}
        assert contents == {1, 2, 3, 4, 6, 7, 8, 9}
        assert box.unanswered == [5]
        assert box.vanished == []


def answer_at_most(box, most: int, never: int = 0) -> list[int]:
    """Make the real server look like one that silently answers for the first few messages only."""
    client = box.session._client
    fetch = client.fetch
    asked = []

    def short(uids, items):
        asked.append(len(uids))
        answers = fetch(uids, items)
        return {uid: answers[uid] for uid in list(answers)[:most] if uid != never}

    client.fetch = short
    return asked
