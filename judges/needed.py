"""Tells exceptions in schemathesis.toml that no answer has needed.

    needed.py CONFIGURATION SEEN...

SEEN are the files in which hooks.py noted operation, kind of data and status. An exception that
a few examples did not meet may still be needed, so this fails only after a full run.
"""

import os
import sys
import tomllib
from pathlib import Path

# What the checks accept without being told, as Schemathesis 4 has it.
USUAL = {
    "positive_data_acceptance": ("valid", {"2xx", "3xx", "401", "403", "404", "409", "429", "5xx"}),
    "negative_data_rejection": (
        "invalid",
        {"400", "401", "403", "404", "405", "406", "409", "415", "422", "428", "429", "5xx"},
    ),
}


def exceptions(configuration):
    """Operation, kind of data and status of each exception."""
    for entry in configuration.get("operations", []):
        # An entry for a method holds for operations that come later, too.
        named = entry.get("include-operation-id", "*")
        for operation in [named] if isinstance(named, str) else named:
            for check, settings in entry.get("checks", {}).items():
                kind, usual = USUAL[check]
                for status in settings["expected-statuses"]:
                    if str(status).lower() not in usual:
                        yield operation, kind, str(status)


def main():
    configuration = tomllib.loads(Path(sys.argv[1]).read_text())
    seen = {tuple(line.split()) for path in sys.argv[2:] for line in Path(path).read_text().splitlines()}
    seen |= {("*", kind, status) for _, kind, status in seen}
    unneeded = sorted(set(exceptions(configuration)) - seen)
    for operation, kind, status in unneeded:
        print(f"schemathesis.toml: no {kind} request to {operation} was answered with {status}")
    with open(os.environ["notes"], "a") as notes:
        print(f"{len(set(exceptions(configuration)))} exceptions, {len(unneeded)} not met", file=notes)
    sys.exit(bool(unneeded) and bool(os.environ.get("full")))


if __name__ == "__main__":
    main()
