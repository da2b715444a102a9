"""Writes or checks each service's committed `openapi.json`: `python -m harness.openapi --write | --check`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path

from harness.people import SERVICES
from reviewbus.auth import DEVELOPMENT_ISSUER, DevelopmentIssuer
from reviewbus.settings import BusSettings

ROOT = Path(__file__).resolve().parents[2]


def description(service: str) -> str:
    """Return a service's OpenAPI document as it is committed. Needs no database."""
    with tempfile.TemporaryDirectory() as folder:
        bus = BusSettings(
            service=service,
            environment="test",
            database_url="postgresql+psycopg://nobody@127.0.0.1:1/none",
            outbox_notify=False,
            jwt_issuer=DEVELOPMENT_ISSUER,
            jwt_audience="review-system",
            jwks=str(DevelopmentIssuer(Path(folder)).jwks),
            peers={name: f"http://{name}.invalid" for name in SERVICES},
        )
        settings = importlib.import_module(f"{service}.settings").Settings(bus=bus)
        composed = importlib.import_module(f"{service}.app").build(settings)
        document = composed.wsgi().test_client().get("/openapi.json").get_json()
        composed.close()
        composed.db.close()
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def main() -> int:
    """Write the documents, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--write", action="store_true")
    act.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    stale = []
    for service in SERVICES:
        path = ROOT / "services" / service / "openapi.json"
        wanted = description(service)
        if chosen.write:
            path.write_text(wanted, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
            stale.append(service)
    if stale:
        print(f"stale: openapi.json of {', '.join(stale)}; run `make openapi`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
