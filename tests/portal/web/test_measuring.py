"""Every request has an id, the proxy's if it is one, and a line in the log that tells no person."""

import logging
from collections.abc import Iterator

import pytest
from structlog.contextvars import get_contextvars

from portal.testing.clients import PortalClient


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, "portal.web.measuring"):
        yield caplog


@pytest.mark.parametrize("sent", ["abcdef12", "0b6f2c1e-7c52-4a0e-9a53-7d6a2f1f0001", "A.b_c-d9" * 8])
def test_id_of_the_proxy_is_kept(client: PortalClient, sent: str) -> None:
    assert client.get("/health/live", headers={"X-Request-ID": sent}).headers["X-Request-ID"] == sent


@pytest.mark.parametrize(
    "sent", ["short", "x" * 65, "a b c d e f", "<script>x</script>", "-abcdefgh", "abcdefgh;x"]
)
def test_id_that_is_none_is_replaced(client: PortalClient, sent: str) -> None:
    given = client.get("/health/live", headers={"X-Request-ID": sent}).headers["X-Request-ID"]

    assert given != sent
    assert len(given) == 16


def test_request_is_logged_by_page_without_its_address(
    client: PortalClient, told: pytest.LogCaptureFixture
) -> None:
    client.get("/login?next=/panel/users/?search=Zebedea")

    (line,) = [item for item in told.records if item.getMessage() == "request"]
    assert (line.endpoint, line.method, line.status) == ("security.login", "GET", 200)  # type: ignore[attr-defined]
    assert "Zebedea" not in str(vars(line))


def test_address_that_leads_nowhere_is_not_written(
    client: PortalClient, told: pytest.LogCaptureFixture
) -> None:
    client.get("/no/such/Zebedea")

    assert "Zebedea" not in "".join(str(vars(item)) for item in told.records)


def test_probes_and_static_files_are_not_logged(client: PortalClient, told: pytest.LogCaptureFixture) -> None:
    client.get("/health/live")
    client.get("/static/portal/portal.css")

    assert told.records == []


def test_nothing_of_a_request_stays_in_the_context(client: PortalClient) -> None:
    client.get("/health/live")

    assert "request_id" not in get_contextvars()
