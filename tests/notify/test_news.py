"""What a channel hears, and what it does not: silence is the rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from pipeline.insight.coverage import Coverage
from pipeline.insight.ground import Ground, Uncounted
from pipeline.insight.told_incidents import remembered
from pipeline.notify.mutes import Mute, is_muted, lapsed
from pipeline.notify.news import news_for, standing
from pipeline.notify.notice import lineage_of
from pipeline.notify.observed import Certificate, MailboxState, Observed, PublishedState, RollOver
from pipeline.notify.published_clauses import clauses_of
from pipeline.published.stored_checks import PublishedChange
from tests.insight.asking import as_of, incidents
from tests.insight.book import DOMAIN, GOOGLE, MICROSOFT, MX1, MX2, Book, Fail, day, sts, tlsa

BEGAN = datetime(2026, 3, 20, 6, tzinfo=UTC)


def book(last: int, *, hosts=(MX1,), share: int = 20, until: int | None = None, domains=(DOMAIN,)) -> Book:
    """An expired certificate from day 5 on."""
    made = Book()
    for domain in domains:
        for reporter in (GOOGLE, MICROSOFT):
            for number in range(last + 1):
                failing = 5 <= number <= (last if until is None else until)
                fails = [Fail("certificate-expired", share, host) for host in hosts] if failing else []
                made.add(reporter, number, sts(100 - share * len(fails), *fails), domain=domain)
    return made


def observed(made: Book, last: int, **more) -> Observed:
    return Observed(as_of=as_of(last), incidents=tuple(incidents(made, last)), **more)


def muted(what: str) -> Mute:
    return Mute(what, "known", None, "being replaced", "ops", as_of(8), ())


def hear(*observations: Observed):
    """What a channel hears of each observation in turn."""
    memory, heard = None, []
    for one in observations:
        events, memory = news_for(one, memory)
        heard.append([(event.topic, event.kind, event.urgency) for event in events])
    return heard


def test_the_first_message_is_one_summary_and_nothing_else():
    (event,), _ = news_for(observed(book(8), 8, certificates=(Certificate(DOMAIN, MX1, as_of(8)),)), None)
    assert (event.topic, event.title) == ("summary", "1 open fault, 1 of them yours")
    assert f"Open: Certificate of the MX host has expired: {MX1}, for {DOMAIN}. Beside that: The certificate of {MX1}" in event.what
    failing = MailboxState("rua", BEGAN, None, "refused")
    (event,), _ = news_for(observed(book(8), 8, mailboxes=(failing,), muted=(muted(f"host:{MX1}"),)), None)
    assert event.title == "Mailbox rua cannot be read; no open fault in what was read"


def test_nothing_counted_is_told_instead_of_no_open_fault_and_so_is_its_end():
    since, until = day(0), day(30)
    nothing = Ground(since, until, 0, 0, 0, 0, (Uncounted("fail", 300),), 300, (), ())
    some = Ground(since, until, 100, 1, 1, 1, (Uncounted("fail", 299),), 300, (), ())
    quiet = {"as_of": as_of(8)}
    (event,), memory = news_for(Observed(**quiet, ground=nothing), None)
    assert event.title == "Nothing is known: none of 300 reports counts"
    assert "no open fault" not in event.what
    assert news_for(Observed(**quiet, ground=nothing), memory)[0] == []
    (event,), memory = news_for(Observed(**quiet, ground=some), memory)
    assert (event.kind, event.title) == ("over", "Reports count again")
    assert event.what.endswith("before, none counted.")
    stopped = memory._replace(states={"ground:nothing": f"nothing counts after {day(2)}"})
    (event,), _ = news_for(Observed(**quiet, ground=some), stopped)
    assert event.what.endswith(f"before, none counted after {day(2)}.")
    (event,), _ = news_for(Observed(**quiet, ground=nothing), memory)
    assert (event.topic, event.kind, event.urgency) == ("ingest", "new", "now")
    assert "Left out: 300 reports (300 with a signature that fails (fail))." in event.what
    assert "--vouch-before DAY" in event.step
    empty = Ground(since, until, 0, 0, 0, 0, (), 0, (), ())
    (event,), _ = news_for(Observed(**quiet, ground=empty), None)
    assert event.title == "Nothing is known: no report counts"
    assert "no report has come yet" in event.what


def test_a_fault_is_told_when_it_is_new_worse_and_over_and_never_twice():
    quiet, fails = observed(book(4), 4), observed(book(8), 8)
    more = observed(book(20, hosts=(MX1, MX2)), 20)
    over = observed(book(24, hosts=(MX1, MX2), until=20), 24)
    assert hear(quiet, fails, fails, observed(book(10), 10), more, more, over, over) == [
        [("summary", "summary", "now")],
        [("fault", "new", "later")],
        [],
        [],
        [("fault", "worse", "later")],
        [],
        [("fault", "over", "later")],
        [],
    ]


def test_it_goes_out_at_once_where_mail_is_refused_and_waits_where_it_is_not():
    quiet = observed(book(4), 4)
    assert hear(quiet, observed(book(8), 8))[1] == [("fault", "new", "later")]
    assert hear(quiet, observed(book(8), 8, enforcing=frozenset({DOMAIN})))[1] == [("fault", "new", "now")]
    dane = Book().every_day(GOOGLE, 0, 8, tlsa(80)).every_day(MICROSOFT, 0, 4, tlsa(80))
    dane.every_day(MICROSOFT, 5, 8, tlsa(40, Fail("validation-failure", 40))).every_day(
        GOOGLE, 5, 8, tlsa(40, Fail("validation-failure", 40))
    )
    assert {urgency for _, _, urgency in hear(quiet, observed(dane, 8))[1]} == {"now"}


def test_one_certificate_of_many_domains_is_one_event():
    domains = (DOMAIN, "example.net", "example.com")
    _, memory = news_for(observed(book(4, domains=domains), 4), None)
    (event,), _ = news_for(observed(book(8, domains=domains), 8), memory)
    assert event.domains == tuple(sorted(domains))
    assert event.title.endswith(", for 3 domains")


def test_the_key_is_the_same_for_the_same_event_and_another_for_the_next():
    _, memory = news_for(observed(book(4), 4), None)
    (first,), _ = news_for(observed(book(8), 8), memory)
    (again,), _ = news_for(observed(book(9), 9), memory)
    assert first.key == again.key
    _, memory = news_for(observed(book(8), 8), memory)
    (over,), _ = news_for(observed(book(14, until=8), 14), memory)
    assert over.key != first.key


def test_a_muted_fault_is_not_told():
    _, memory = news_for(observed(book(4), 4), None)
    found = observed(book(8), 8)
    for what in (lineage_of(found.incidents[0]), f"host:{MX1}"):
        events, _ = news_for(observed(book(8), 8, muted=(muted(what),)), memory)
        assert events == []


def test_a_mute_follows_the_fault_when_its_id_changes():
    old = observed(book(8), 8).incidents[0]
    mute = muted("fault:mx-certificate-expired:anotherid")._replace(as_it_was=(remembered(old),))
    more = observed(book(12, hosts=(MX1, MX2)), 12).incidents[0]
    assert more.id != old.id
    assert is_muted(more, (mute,))
    assert lapsed(mute, [more], as_of(12)) == "it got worse: 1 more MX host fails"


def test_a_domain_more_makes_a_fault_worse_and_it_is_over_when_it_is_on_all():
    def seen(last: int, *, until: int = 20, second: bool = True) -> Observed:
        made = book(last, until=until)
        if second:
            made.reports += book(last, until=12, domains=("example.net",)).reports
        return observed(made, last)

    quiet = observed(book(4), 4)
    alone, both = seen(8, second=False), seen(10)
    one_is_over, all_are_over = seen(16, until=16), seen(24, until=16)
    memory, heard = news_for(quiet, None).memory, []
    for each in (alone, both, one_is_over, all_are_over):
        events, memory = news_for(each, memory)
        heard.append([(event.kind, event.domains) for event in events])
    two = ("example.net", DOMAIN)
    assert heard == [[("new", (DOMAIN,))], [("worse", two)], [], [("over", two)]]


def test_a_fault_that_nobody_knew_is_told_as_new_when_it_is_known_and_never_as_over_alone():
    found = observed(book(8), 8)
    unknown = replace(found, incidents=tuple(replace(one, fault="unknown") for one in found.incidents))
    over = observed(book(14, until=8), 14)
    quiet = observed(book(4), 4)
    assert hear(quiet, unknown, found)[1:] == [[], [("fault", "new", "later")]]
    assert hear(quiet, found, replace(over, incidents=tuple(replace(one, fault="unknown") for one in over.incidents)))[2] == [
        ("fault", "over", "later")
    ]


def test_a_mailbox_that_fails_is_told_once_and_once_more_when_it_works():
    well = MailboxState("rua", None, None, "")
    failing = well._replace(failing_since=BEGAN, error="imap.example.org refused the sign-in.")
    last = observed(book(4), 4)
    states = [(well,), (failing,), (failing,), (), (failing,), (well,), (well,)]
    heard = hear(*(Observed(as_of=last.as_of, mailboxes=boxes) for boxes in states))
    assert heard == [
        [("summary", "summary", "now")],
        [("ingest", "new", "now")],
        [],
        [],
        [],
        [("ingest", "over", "now")],
        [],
    ]


def test_a_mailbox_that_goes_on_failing_is_told_once_a_day():
    box = MailboxState("rua", BEGAN, None, "imap.example.org refused the sign-in.")

    def on(number: int, *boxes: MailboxState) -> Observed:
        return Observed(as_of=date.fromordinal(BEGAN.toordinal() + number), mailboxes=boxes)

    heard = hear(on(0), on(0, box), on(0, box), on(1, box), on(1, box), on(2, box), on(2, box._replace(failing_since=None)))
    told = [("ingest", "still", "now")]
    assert heard[1:] == [[("ingest", "new", "now")], [], told, [], told, [("ingest", "over", "now")]]


def line(reporter: str, state: str, *, days: int = 40, domain: str = DOMAIN) -> Coverage:
    return Coverage(domain, reporter, 1.0, day(30), day(31) if state == "silent" else None, 30.0, state, day(0), days, 100)


def test_while_nobody_reads_the_mail_no_reporter_is_called_silent():
    failing = MailboxState("rua", BEGAN, None, "refused")
    seen = Observed(as_of=day(40), coverage=(line(GOOGLE, "reporting"),))
    silent = Observed(as_of=day(41), coverage=(line(GOOGLE, "silent"),), mailboxes=(failing,))
    assert hear(seen, silent)[1] == [("ingest", "new", "now")]


def test_what_later_reports_show_to_be_no_fault_is_taken_back_once():
    found = observed(book(8), 8)
    assert hear(observed(book(4), 4), found, replace(found, incidents=()), replace(found, incidents=()))[2:] == [
        [("fault", "over", "later")],
        [],
    ]
    mute = muted(f"host:{MX1}")
    assert hear(observed(book(4), 4), found, replace(found, muted=(mute,)))[2] == [], "it is there, and muted"


def test_a_reporter_is_silent_when_it_is_on_every_domain_and_when_not_all_are():
    def seen(*lines: Coverage) -> Observed:
        return Observed(as_of=day(40), coverage=lines)

    talks, google = line(MICROSOFT, "reporting"), line(GOOGLE, "silent")
    first = seen(talks, line(GOOGLE, "reporting"))
    assert hear(first, seen(talks, google), seen(talks, google), first) == [
        [("summary", "summary", "now")],
        [("reporter", "new", "later")],
        [],
        [("reporter", "over", "later")],
    ]
    assert hear(first, seen(talks, google, line(GOOGLE, "reporting", domain="example.net")))[1] == []
    assert hear(first, seen(talks, line(GOOGLE, "silent", days=5)))[1] == [], "it never had a habit"
    assert hear(first, seen(line(MICROSOFT, "ingest-outage"), line(GOOGLE, "ingest-outage")))[1] == [], "that is the ingest's matter"


def test_a_certificate_is_flagged_at_thirty_fourteen_and_seven_days():
    expires = date(2026, 5, 31)

    def on(left: int) -> Observed:
        return Observed(as_of=date.fromordinal(expires.toordinal() - left), certificates=(Certificate(DOMAIN, MX1, expires),))

    heard = hear(on(40), on(30), on(29), on(15), on(14), on(7), on(6), on(0), on(-3))
    assert [len(events) for events in heard] == [1, 1, 0, 0, 1, 1, 0, 1, 0]
    assert heard[7] == [("certificate", "ahead", "now")]


def test_a_change_of_what_is_published_is_told_and_the_first_check_is_not():
    def publishes(digest: str | None) -> Observed:
        return Observed(as_of=day(9), published=() if digest is None else (PublishedState(DOMAIN, day(9), digest, "enforce"),))

    assert [len(events) for events in hear(publishes(None), publishes("a"), publishes("a"), publishes(None), publishes("b"))] == [
        1,
        0,
        0,
        0,
        1,
    ]


def test_a_change_of_what_is_published_is_told_with_what_changed():
    row = {
        "policy_lines_before": ["version: STSv1", "mode: enforce", "max_age: 86400", "mx: mx1.example.org", "mx: mx2.example.org"],
        "policy_lines": ["version: STSv1", "mode: testing", "max_age: 3600", "mx: mx1.example.org", "mx: *.example.net"],
        "sts_id_before": "20260501",
        "sts_id": "20260502",
        "tlsrpt_record_before": "v=TLSRPTv1; rua=mailto:tls@example.org",
        "tlsrpt_record": "",
        "mx_hosts_before": ["mx1.example.org"],
        "mx_hosts": ["mx1.example.org", "mx3.example.org"],
        "tlsa_records_before": ["mx1.example.org 3 1 1 aa", "mx1.example.org 3 1 1 bb"],
        "tlsa_records": ["mx1.example.org 3 1 1 aa"],
    }
    everything = PublishedChange(DOMAIN, day(9), *[True] * 5, **row)
    clauses = tuple(clauses_of(everything))
    assert clauses == (
        "mode enforce became testing",
        "max_age 86400 became 3600",
        "mx pattern mx2.example.org is gone",
        "mx pattern (any).example.net is new",
        "the MTA-STS id changed from 20260501 to 20260502",
        "the TLSRPT record is gone",
        "MX host mx3.example.org is new",
        "1 TLSA record of mx1.example.org is gone",
    )
    policy = everything._replace(id_changed=False, tlsrpt_changed=False, mx_changed=False, tlsa_changed=False)
    assert tuple(clauses_of(policy._replace(policy_lines=[]))) == ("no sender can fetch the MTA-STS policy any more",)
    assert tuple(clauses_of(policy._replace(policy_lines_before=[]))) == ("senders can fetch an MTA-STS policy, mode testing",)
    same = policy._replace(policy_lines=[*row["policy_lines_before"], ""])
    assert tuple(clauses_of(same)) == ("the text of the MTA-STS policy changed, though not its meaning",)

    before = Observed(as_of=day(9), published=(PublishedState(DOMAIN, day(9), "a", "enforce"),))
    after = Observed(as_of=day(9), published=(PublishedState(DOMAIN, day(9), "b", "testing", day(9), clauses),))
    (event,) = news_for(after, news_for(before, None).memory).events
    assert event.what.startswith(f"The check of {day(9)} found: mode enforce became testing; ")


def test_a_verdict_is_told_when_it_becomes_ready_or_stops_being_so():
    def verdict(text: str) -> Observed:
        return Observed(as_of=day(9), verdicts=((DOMAIN, text),))

    steps = ["not-enough-evidence", "not-ready", "ready", "ready", "not-ready", "ready", "already-enforcing"]
    assert [len(events) for events in hear(*map(verdict, steps))] == [1, 0, 1, 0, 1, 1, 0]


def test_a_roll_over_ahead_is_told_once():
    roll_over = RollOver(DOMAIN, MX1, "The key changes under a 3 1 1 record.", "Publish the next digest first.")
    ahead = Observed(as_of=day(9), roll_overs=(roll_over,))
    assert hear(Observed(as_of=day(8)), ahead, ahead) == [[("summary", "summary", "now")], [("rollover", "ahead", "now")], []]


def test_a_host_of_two_domains_that_were_checked_on_different_days_is_told_once():
    roll_overs = tuple(
        RollOver(domain, MX1, f"the certificate ends on {ends}", "1. now") for domain, ends in (("a.example", 1), ("b.example", 2))
    )
    ahead = Observed(as_of=day(9), roll_overs=roll_overs)
    assert hear(Observed(as_of=day(8)), ahead, ahead)[1:] == [[("rollover", "ahead", "now")], []]


def test_what_stands_is_posted_as_state_each_time():
    (entry,) = standing(observed(book(8), 8))
    assert entry[0].topic == "fault"
    assert entry[1] is not None
    assert standing(observed(book(14, until=8), 14)) == []
