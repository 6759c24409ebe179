"""Everything here needs the extra [serve]."""

import pytest

for package in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason="the extra [serve] is not installed")


@pytest.fixture(scope="module")
def service():
    """A service whose model finds what is bright."""
    from service import running

    with running() as one:
        yield one
