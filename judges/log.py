"""Looks for internal errors in the program's log.

    log.py LOG NOTES
"""

import json
import sys
from pathlib import Path

# The server drops a connection whose bytes are no HTTP, and says so as an error.
NOISE = "actix_http::h1::dispatcher"


def main():
    log, notes = sys.argv[1:]
    requests, found = 0, []
    for line in Path(log).read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            # Only the word of where it listens is no JSON; a panic would be a line of its own.
            if not line.startswith("regimen: listening on "):
                found.append(line)
            continue
        status = entry["fields"].get("status", 0)
        requests += "status" in entry["fields"]
        if int(status) >= 500 or (entry["level"] == "ERROR" and entry["target"] != NOISE):
            found.append(line)
    for line in found:
        print(line)
    with open(notes, "a") as file:
        print(f"{requests} requests, {len(found)} internal errors", file=file)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
