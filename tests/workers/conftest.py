"""Workers judge signatures: they share the keys and the name server of the tests of trust."""

from tests.trust.conftest import _server, keys  # noqa: F401 -- fixtures are found by name
