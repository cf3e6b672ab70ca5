"""Tells how deep a run of Schemathesis got, and fails where it lost its footing.

    reach.py REPORT SEEN CALLER NOTES

A caller who lost the workspace in the middle would have tested nothing but refusals.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path


def main():
    report_path, seen_path, caller_path, notes = sys.argv[1:]
    report = json.loads(Path(report_path).read_text())
    seen = [line.split() for line in Path(seen_path).read_text().splitlines()]
    operations = {operation for operation, _, _ in seen}
    deep = {operation for operation, _, status in seen if status.startswith(("2", "3"))}
    caller = json.loads(Path(caller_path).read_text())
    nobody = os.environ["JUDGES_AS"] == "nobody"

    problems = []
    if not report["complete"]:
        problems.append("the run did not come to its end")
    if report["errors"]:
        problems.append(f"{len(report['errors'])} errors of Schemathesis itself")
    if report["operations"]["tested"] != report["operations"]["total"]:
        problems.append(f"only {report['operations']['tested']} of {report['operations']['total']} operations were tested")
    if any(phase["status"] == "skip" for phase in report["phases"].values()):
        problems.append(f"a phase was skipped: {report['phases']}")
    request = urllib.request.Request(
        f"{os.environ['JUDGES_ORIGIN']}/v1/workspaces/{caller['workspace']}",
        headers={"Authorization": f"Bearer {caller['token']}"},
    )
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as refusal:
        problems.append(f"the caller lost the workspace during the run ({refusal.code})")

    with open(notes, "a") as file:
        print(f"{report['test_cases']['generated']} cases, {len(report['failures'])} kinds of findings", file=file)
        if not nobody:
            print(f"{len(deep)} of {len(operations)} operations succeeded at least once", file=file)
    if not nobody:
        for operation in sorted(operations - deep):
            print(f"never succeeded: {operation}")
    for problem in problems:
        print(problem)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
