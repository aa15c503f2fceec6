"""One domain on real servers whose policy a test may change, and the command line that looks at it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from cryptography import x509

from pipeline.cli import main
from pipeline.published.tlsa import record_for
from tests.authority import Authority
from tests.kept import engines_kept
from tests.published.servers import MailServer, Page, context_of, mail, names, web

POLICY = "version: STSv1\r\nmode: testing\r\nmx: mx.good.example\r\nmax_age: 1209600\r\n"
ZONE = """good.example. 60 IN MX 10 mx.good.example.
good.example. 60 IN A 127.0.0.1
mx.good.example. 60 IN A 127.0.1.1
mta-sts.good.example. 60 IN A 127.0.0.1
_mta-sts.good.example. 60 IN TXT "v=STSv1; id=1;"
_smtp._tls.good.example. 60 IN TXT "v=TLSRPTv1; rua=mailto:tls@good.example"
bare.example. 60 IN MX 10 mx.good.example.
mx2.good.example. 60 IN A 127.0.1.1
old.good.example. 60 IN A 127.0.1.2
secure.example. 60 IN MX 10 mx.secure.example.
mx.secure.example. 60 IN A 127.0.1.3
_smtp._tls.secure.example. 60 IN TXT "v=TLSRPTv1; rua=mailto:tls@good.example"
alias.example. 60 IN MX 10 mx.alias.example.
mx.alias.example. 60 IN CNAME mx.secure.example.
shared.example. 60 IN MX 10 a.shared.example.
shared.example. 60 IN MX 20 b.shared.example.
a.shared.example. 60 IN A 127.0.1.3
b.shared.example. 60 IN A 127.0.1.3
null.example. 60 IN MX 0 .
"""


class Town(NamedTuple):
    """A small internet."""

    pages: dict[str, Page]
    configuration: str
    certificates: dict[str, bytes]
    """PEM by name: `now`, what mx.secure.example serves under a record 3 1 1, and `next`, with another key."""

    def publish(self, policy: str) -> None:
        self.pages["mta-sts.good.example"] = Page(policy.encode())


@pytest.fixture(scope="module", autouse=True)
def kept():
    with engines_kept():
        yield


@pytest.fixture(scope="session")
def running_town(tmp_path_factory):
    ours = Authority("Our CA")
    ca_file = tmp_path_factory.mktemp("town") / "ca.pem"
    ca_file.write_bytes(ours.certificate_pem)
    pages: dict[str, Page] = {}
    with ExitStack() as held:
        good = ours.issue("mx.good.example", "mx2.good.example", days=(-10, 80))
        secure, following = (ours.issue("mx.secure.example", days=(-10, 80)) for _ in range(2))
        servers = {
            "127.0.1.1": MailServer(context_of(*good)),
            "127.0.1.2": MailServer(context_of(*ours.issue("old.good.example", days=(-90, -1)))),
            "127.0.1.3": MailServer(context_of(*secure)),
        }
        smtp_port = held.enter_context(mail(servers))
        https_port = held.enter_context(web(pages, {"mta-sts.good.example": ours.issue("mta-sts.good.example", days=(-10, 80))}))
        published = record_for(x509.load_pem_x509_certificate(secure[0]), f"_{smtp_port}._tcp.mx.secure.example")
        record = published.replace(" TLSA ", " 60 IN TLSA ") + "\n"
        # One record for two hosts, kept for longer than a resolver keeps anything.
        shared = "_tlsa.shared.example. 259200 IN TLSA " + record.split(" TLSA ")[1]
        shared += "".join(f"_{smtp_port}._tcp.{host}.shared.example. 60 IN CNAME _tlsa.shared.example.\n" for host in "ab")
        resolver = held.enter_context(names(ZONE + record + shared, {}))
        check = (
            f'[check]\nresolver = "{resolver}"\ntimeout = 3.0\nca_file = "{ca_file}"\nhttps_port = {https_port}\nsmtp_port = {smtp_port}\n'
        )
        yield Town(pages, '[domains]\nown = ["good.example"]\n' + check, {"now": secure[0], "next": following[0]})


@pytest.fixture
def town(running_town):
    running_town.publish(POLICY)
    return running_town


@pytest.fixture
def tlsrpt(town, tmp_path, capsys):
    """Run the command line; returns the exit code, standard output (read, where it is JSON) and standard error."""
    (tmp_path / "tlsrpt.toml").write_text(town.configuration)
    (tmp_path / "lake").mkdir()

    def run(*arguments):
        code = main(["--config", str(tmp_path / "tlsrpt.toml"), "--lake", str(tmp_path / "lake"), *map(str, arguments)])
        said = capsys.readouterr()
        return code, json.loads(said.out) if "json" in arguments and code != 2 else said.out, said.err

    return run
