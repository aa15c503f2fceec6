"""The first configuration of an installation: what was answered, and the settings that are wanted next, as comments. A pure text."""

from __future__ import annotations

import json
from typing import NamedTuple


class InitAnswers(NamedTuple):
    """What differs from one installation to the next."""

    lake: str
    host: str
    user: str
    password_file: str
    """The file with the password; empty where the password comes from the environment."""
    password_env: str
    domains: tuple[str, ...]


TOKENS = {"outlook.office365.com": "microsoft-365.md", "imap.gmail.com": "google.md"}
"""The how-to by IMAP host, where one signs in with a token and a password is refused."""


def configuration(answers: InitAnswers) -> str:
    """Return the text of `tlsrpt.toml`."""
    secret = ("password_env", answers.password_env) if answers.password_env else ("password_file", answers.password_file)
    return f"""\
# Configuration of tlsrpt, written by `tlsrpt init`. A line that begins with `#` and a name shows a setting with its default.
# All settings: pipeline/docs/reference/settings.md. The environment wins: TLSRPT_LAKE__PATH=/srv/lake sets path of [lake].
# After a change: tlsrpt doctor

[lake]
path = {_quoted(answers.lake)}
#readable_by = "group"              # who of this machine may read it: owner, group or everybody; the mails are in it

# One [[mailbox]] for each account to poll.
[[mailbox]]
name = "rua"
host = {_quoted(answers.host)}
user = {_quoted(answers.user)}
{secret[0]} = {_quoted(secret[1])}
#port = 993                         # default: 993 for implicit, 143 for starttls
#tls = "implicit"                   # implicit | starttls
#folder = "INBOX"
#after = "keep"                     # keep (opened read-only) | seen | move | delete; done only after the reports are stored

[domains]
own = [{", ".join(map(_quoted, answers.domains))}]
#mx = []                            # your MX hosts, for reports about TLSA records

[trust]
#dkim = "verify"                    # verify: check the DKIM signature of each mail | off: you vouch for the mailbox
#authserv_ids = []                  # authserv-ids of your own servers whose Authentication-Results are believed

# One [[notify.channel]] for each place where somebody is told what is new, worse or over.
#[[notify.channel]]
#name = "team"
#kind = "apprise"                   # apprise (mail, Slack, Teams, Matrix, ntfy …; the extra notify) | webhook | alertmanager | lines
#url_file = "/etc/tlsrpt/team-url"  # for example mailtos://user:password@mail.example.net?to=postmaster@example.org
"""


def _quoted(text: str) -> str:
    """Return it as a string of TOML, which takes the escapes of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
