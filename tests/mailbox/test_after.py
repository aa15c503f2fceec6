from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.mailbox.copy_note import Copying
from pipeline.mailbox.post_actions import KEYWORD, housekeep
from pipeline.settings.mailbox_tables import FolderSettings
from tests.dovecot import NO_MOVE, dovecot
from tests.mailbox.box import QUICK, Forgetful, fetch_all, mail, mailbox
from tests.proxy import cut, proxy

pytestmark = pytest.mark.dovecot

OUTCOMES = [(1, "stored"), (2, "duplicate"), (3, "conflict"), (4, "quarantined"), (5, "not_tlsrpt"), (6, "too_large"), (7, "pending")]
BY_OUTCOME = FolderSettings(processed="Done", quarantined="Unreadable", other="Other")


def stock(server, count: int = 9):
    """A user whose mails 8 and 9 nobody has ingested; the last is marked as deleted by its owner."""
    user = server.add_user()
    server.deliver_all(user.name, [mail(number) for number in range(1, count + 1)])
    server.flags(user.name)
    server.set_flags(user.name, "\\Deleted", count)
    return user


def subjects(server, user, folder: str) -> list[int]:
    """The numbers of the mails in a folder."""
    lines = server.doveadm("-f", "tab", "fetch", "-u", user.name, "hdr.subject", "mailbox", folder, "all").splitlines()[1:]
    return sorted(int(line.removeprefix("Report ")) for line in lines)


def treat(server, user, messages=OUTCOMES, **settings) -> dict[str, int]:
    with mailbox(server, user, **settings) as box:
        box.open("INBOX")
        treated = housekeep(box, messages, Forgetful())
        if treated.refused is not None:
            raise treated.refused
        return treated.done


def test_keep_touches_nothing(server):
    user = stock(server)
    before = server.flags(user.name)
    assert treat(server, user, after="keep") == {}
    assert server.flags(user.name) == before


def test_seen_marks_what_was_processed_and_nothing_else(server):
    user = stock(server)
    assert treat(server, user, after="seen") == {"seen": 3}
    flags = server.flags(user.name)
    assert {uid for uid in flags if "\\Seen" in flags[uid]} == {1, 2, 3}
    assert treat(server, user, after="seen") == {}


def test_seen_includes_other_and_quarantined_mail_when_asked(server):
    user = stock(server)
    assert treat(server, user, after="seen", touch_other=True, touch_quarantined=True) == {"seen": 6}
    assert "\\Seen" not in server.flags(user.name)[7]


def test_move_takes_what_was_processed_and_leaves_the_rest(server):
    user = stock(server)
    assert treat(server, user, after="move") == {"moved": 3}
    assert subjects(server, user, "Processed") == [1, 2, 3]
    assert subjects(server, user, "INBOX") == [4, 5, 6, 7, 8, 9]
    assert "\\Deleted" in server.flags(user.name)[9]


def test_move_by_outcome(server):
    user = stock(server)
    assert treat(server, user, after="move", move_to=BY_OUTCOME) == {"moved": 6}
    assert subjects(server, user, "Done") == [1, 2, 3]
    assert subjects(server, user, "Unreadable") == [4, 6]
    assert subjects(server, user, "Other") == [5]
    assert subjects(server, user, "INBOX") == [7, 8, 9]


def test_move_is_repeatable(server):
    user = stock(server)
    assert treat(server, user, OUTCOMES[:2], after="move") == {"moved": 2}
    assert treat(server, user, after="move") == {"moved": 1}
    assert treat(server, user, after="move") == {}
    assert subjects(server, user, "Processed") == [1, 2, 3]


def test_move_into_a_folder_that_exists_already(server):
    user = stock(server)
    server.doveadm("mailbox", "create", "-u", user.name, "Archive/tls Ä")
    assert treat(server, user, after="move", move_to=FolderSettings(processed="Archive/tls Ä")) == {"moved": 3}
    assert subjects(server, user, "Archive/tls Ä") == [1, 2, 3]


def test_a_folder_that_cannot_be_made_is_one_sentence(server):
    user = stock(server)
    with pytest.raises(ConfigError, match=r"folder .* cannot be created"):
        treat(server, user, after="move", move_to=FolderSettings(processed="a//b"))
    assert subjects(server, user, "INBOX") == list(range(1, 10))


def test_moving_into_the_folder_itself_is_refused(server):
    user = stock(server)
    server.deliver(user.name, mail(1), folder="Reports")
    with pytest.raises(ValueError, match="which is polled"):
        mailbox(server, user, folder="Reports", after="move", move_to=FolderSettings(processed="Reports"))


def test_delete_takes_what_was_processed_and_leaves_what_the_owner_deleted(server):
    user = stock(server)
    assert treat(server, user, after="delete") == {"deleted": 3}
    assert subjects(server, user, "INBOX") == [4, 5, 6, 7, 8, 9]
    assert "\\Deleted" in server.flags(user.name)[9]
    assert treat(server, user, after="delete") == {}


def test_messages_that_are_gone_already_are_no_mistake(server):
    user = stock(server)
    server.expunge(user.name, 1, 3)
    assert treat(server, user, after="delete") == {"deleted": 1}
    assert treat(server, user, [(1, "stored"), (77, "stored")], after="move") == {}


def test_many_messages_are_moved_in_chunks(server):
    user = stock(server, count=50)
    committed = [(uid, "stored") for uid in range(1, 46)]
    assert treat(server, user, committed, after="move", pace=QUICK._replace(chunk_messages=10, search_uids=7)) == {"moved": 45}
    assert subjects(server, user, "Processed") == list(range(1, 46))
    assert subjects(server, user, "INBOX") == [46, 47, 48, 49, 50]


def test_without_move_mail_is_copied_and_deleted_by_uid(server_without_move):
    user = stock(server_without_move)
    assert treat(server_without_move, user, after="move", move_to=BY_OUTCOME) == {"moved": 6}
    assert subjects(server_without_move, user, "Done") == [1, 2, 3]
    assert subjects(server_without_move, user, "INBOX") == [7, 8, 9]
    assert "\\Deleted" in server_without_move.flags(user.name)[9]
    assert treat(server_without_move, user, after="move", move_to=BY_OUTCOME) == {}


def test_without_move_mail_is_deleted_by_uid(server_without_move):
    user = stock(server_without_move)
    assert treat(server_without_move, user, after="delete") == {"deleted": 3}
    assert subjects(server_without_move, user, "INBOX") == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("after", ["move", "delete"])
def test_without_move_and_uidplus_mail_stays_with_a_keyword_and_nothing_is_expunged(server_without_move_and_uidplus, after):
    server = server_without_move_and_uidplus
    user = stock(server)
    assert treat(server, user, after=after) == {"left": 3}
    flags = server.flags(user.name)
    assert sorted(flags) == list(range(1, 10))
    assert {uid for uid in flags if KEYWORD in flags[uid]} == {1, 2, 3}
    assert {uid for uid in flags if "\\Deleted" in flags[uid]} == {9}
    assert treat(server, user, after=after) == {}


def test_seen_needs_neither_move_nor_uidplus(server_without_move_and_uidplus):
    user = stock(server_without_move_and_uidplus)
    assert treat(server_without_move_and_uidplus, user, after="seen") == {"seen": 3}


@pytest.fixture(scope="module")
def bytes_of_a_clean_move(server):
    """How many bytes the server sends in the test below when nobody cuts: from the start, and after the sign-in and SELECT."""
    user = stock(server, count=60)
    with proxy(server.port) as wire, mailbox(server, user, port=wire.port, after="move", pace=QUICK._replace(chunk_messages=5)) as box:
        box.open("INBOX")
        begun = wire.bytes_from_server
        housekeep(box, [(uid, "stored") for uid in range(1, 59)], Forgetful())
        return begun, wire.bytes_from_server


@pytest.mark.parametrize("place", [0.02, 0.3, 0.5, 0.7, 0.9, 0.97])
def test_a_cut_while_moving_loses_and_doubles_nothing(server, bytes_of_a_clean_move, place):
    begun, ended = bytes_of_a_clean_move
    user = stock(server, count=60)
    committed = [(uid, "stored") for uid in range(1, 59)]
    with proxy(server.port, [cut(int(begun + place * (ended - begun)))]) as wire:
        done = treat(server, user, committed, after="move", port=wire.port, pace=QUICK._replace(chunk_messages=5))
        assert wire.connections == 2
    assert done == {"moved": 58}
    assert subjects(server, user, "Processed") == list(range(1, 59))
    assert subjects(server, user, "INBOX") == [59, 60]


@pytest.mark.parametrize("place", [0.02, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97])
def test_a_cut_while_copying_loses_and_doubles_nothing(server_without_move, place):
    server = server_without_move
    committed = [(uid, "stored") for uid in range(1, 19)]
    user = stock(server, count=20)
    with proxy(server.port) as wire, mailbox(server, user, port=wire.port, after="move", pace=QUICK._replace(chunk_messages=9)) as box:
        box.open("INBOX")
        begun = wire.bytes_from_server
        housekeep(box, committed, Forgetful())
        ended = wire.bytes_from_server
    user = stock(server, count=20)
    with proxy(server.port, [cut(int(begun + place * (ended - begun)))]) as wire:
        treat(server, user, committed, after="move", port=wire.port, pace=QUICK._replace(chunk_messages=9))
        assert wire.connections == 2
    assert subjects(server, user, "Processed") == list(range(1, 19))
    assert subjects(server, user, "INBOX") == [19, 20]
    assert not any("\\Deleted" in flags for flags in server.flags(user.name, "Processed").values())


def test_what_was_copied_by_a_killed_run_is_not_copied_again(server_without_move):
    """Of three messages two had arrived, one of them twice in the mailbox; what else is in the folder there is another's."""
    server = server_without_move
    user = server.add_user()
    server.deliver_all(user.name, [mail(1), mail(1), mail(2), mail(3)])
    server.deliver_all(user.name, [mail(2), mail(7)], folder="Processed")
    journal = Forgetful()
    journal.note(Copying(uidvalidity(server, user, "INBOX"), (1, 2, 3), "Processed", uidvalidity(server, user, "Processed"), 3))
    server.deliver_all(user.name, [mail(1), mail(8)], folder="Processed")
    with mailbox(server, user, after="move") as box:
        box.open("INBOX")
        assert housekeep(box, [(1, "stored"), (2, "stored"), (3, "stored")], journal).done == {"moved": 3}
    assert journal.copying() is None
    assert subjects(server, user, "INBOX") == [3]
    assert subjects(server, user, "Processed") == [1, 1, 2, 2, 7, 8]


@pytest.mark.parametrize("noted", [(99, 99, 3), (None, 99, 3), (None, None, 0)], ids=["here anew", "there anew", "not known"])
def test_a_note_of_another_folder_loses_nothing(server_without_move, noted):
    server = server_without_move
    user = server.add_user()
    server.deliver_all(user.name, [mail(1), mail(2)])
    server.deliver_all(user.name, [mail(1)], folder="Processed")
    here, there, uidnext = noted
    here, there = here or uidvalidity(server, user, "INBOX"), there or uidvalidity(server, user, "Processed")
    journal = Forgetful()
    journal.note(Copying(here, (1, 2), "Processed", there, uidnext))
    with mailbox(server, user, after="move") as box:
        box.open("INBOX")
        housekeep(box, [(1, "stored"), (2, "stored")], journal)
    assert subjects(server, user, "INBOX") == []
    assert subjects(server, user, "Processed") == ([1, 1, 2] if here == 99 else [1, 2])


def uidvalidity(server, user, folder: str) -> int:
    return int(server.doveadm("-f", "flow", "mailbox", "status", "-u", user.name, "uidvalidity", folder).strip().split("=")[1])


def test_a_kick_between_two_commits_does_not_stop_the_housekeeping(server):
    user = stock(server)
    with mailbox(server, user, after="move") as box:
        assert len(fetch_all(box)) == 9
        assert housekeep(box, OUTCOMES[:1], Forgetful()).done == {"moved": 1}
        server.kick(user.name)
        assert housekeep(box, OUTCOMES[1:], Forgetful()).done == {"moved": 2}
    assert subjects(server, user, "Processed") == [1, 2, 3]


def test_fetching_goes_on_while_what_is_committed_is_moved(server):
    user = stock(server, count=40)
    with mailbox(server, user, after="move", pace=QUICK._replace(chunk_messages=10, size_messages=15)) as box:
        box.open("INBOX")
        contents = {}
        for chunk in box.fetch(list(range(1, 41))):
            contents |= {fetched.ref.uid: fetched.content for fetched in chunk}
            housekeep(box, [(fetched.ref.uid, "stored") for fetched in chunk], Forgetful())
    assert contents == {number: mail(number) for number in range(1, 41)}
    assert subjects(server, user, "Processed") == list(range(1, 41))


def test_a_read_only_folder_is_read_and_says_so_when_it_should_be_changed():
    with dovecot(capability=NO_MOVE + " ACL") as own:
        user = stock(own)
        maildir = own.root / "mail" / user.name / "Maildir"
        # Dovecot opens a Maildir that it may not write to as read-only.
        for path in (maildir / "cur", maildir / "new", maildir):
            path.chmod(0o555)
        with mailbox(own, user, after="seen") as box:
            assert len(fetch_all(box)) == 9
            assert box.state.read_only
        with pytest.raises(ConfigError, match='read-only; set after = "keep"'):
            treat(own, user, after="seen")
        with mailbox(own, user, after="keep") as box:
            assert len(fetch_all(box)) == 9
