"""`python -m sandbox`: run the sandbox until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from sandbox.server import serve


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; 1 when the address cannot be had."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Pretend ConnectWise, Xero, QuickBooks Online and bank feed."
    )
    parser.add_argument("--port", type=int, default=9009)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed", choices=("demo", "empty"), default="demo")
    parser.add_argument("--public-url", help="the origin that others use, when it differs from host and port")
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        handle = serve(port=options.port, host=options.host, seed=options.seed, public_url=options.public_url)
    except OSError as error:
        print(f"The sandbox cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
        return 1
    print(
        f"Sandbox ready on {handle.url} (seed {options.seed}; control API at {handle.url}/_sandbox/)",
        flush=True,
    )
    ended.wait()
    handle.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
