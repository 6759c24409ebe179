"""maskwright serve"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_engine, add_ensemble, add_overrides

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "a trained model as an HTTP service, with a viewer in the browser"
EXAMPLE = "maskwright serve runs/config --port 8000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("run", metavar="RUN|MODEL", help="a run folder, or a model file; a cross-validation's folder")
    parser.add_argument("--host", default="127.0.0.1", help="address; one that others reach needs a token")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any that is free")
    parser.add_argument(
        "--token-file", metavar="FILE", help="holds the token that every request must bring (or MASKWRIGHT_TOKEN)"
    )
    add_ensemble(parser)
    add_engine(parser, "as configured, else auto")
    parser.add_argument("--most-mb", type=float, default=512, metavar="MB", help="largest body (default: 512)")
    parser.add_argument("--timeout", type=float, default=300, metavar="S", help="of a request (default: 300)")
    parser.add_argument(
        "--upload-timeout", type=float, default=600, metavar="S", help="of all of a body (default: 600)"
    )
    parser.add_argument("--queue", type=int, default=64, metavar="N", help="requests at a time (default: 64)")
    parser.add_argument("--open", action="store_true", help="open the viewer in the browser")
    add_overrides(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Serve until somebody ends it."""
    from maskwright.api import serve

    serve(
        arguments.run,
        ensemble=arguments.ensemble,
        host=arguments.host,
        port=arguments.port,
        token_file=arguments.token_file,
        engine=arguments.engine,
        megabytes=arguments.most_mb,
        seconds=arguments.timeout,
        upload_seconds=arguments.upload_timeout,
        waiting=arguments.queue,
        open_browser=arguments.open,
        overrides=arguments.overrides,
        reporter=reporter,
    )
    return Outcome()
