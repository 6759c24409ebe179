"""Everything here needs the extra [serve]."""

import pytest

for package in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason="the extra [serve] is not installed")
