"""Holds a judge's findings against the list of exceptions.

    findings.py JUDGE REPORT NOTES

Prints what is not on the list, and exceptions that match nothing any more; fails on either.
"""

import fnmatch
import json
import re
import sys
import tomllib
from pathlib import Path

SHOWN = 10
"""How many places of one rule are printed."""

LIST = Path(__file__).with_name("exceptions.toml")


def redocly(report):
    """Rule, place and message of each problem."""
    for problem in json.loads(report)["problems"]:
        where = problem["location"][0].get("pointer", "") if problem["location"] else ""
        yield problem["ruleId"], where, problem["message"]


def spectral(report):
    for finding in json.loads(report):
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in finding["path"])
        yield str(finding["code"]), "#/" + "/".join(steps), finding["message"]


def python(report):
    """Blocks such as "WARNING parsing POST /path within tag." and, after a blank line, the reason."""
    for where, reason in re.findall(r"^(?:WARNING|ERROR) (.*?)\n\s*\n(.*?)$", report, re.MULTILINE):
        # An object's place in memory is another one each time.
        yield re.sub(r"<\S+ object at 0x[0-9a-f]+> ", "", reason), where, reason
    for line in re.findall(r"^Warning\(s\) encountered.*$|^Error\(s\) encountered.*$", report, re.MULTILINE):
        if not re.search(r"^(?:WARNING|ERROR) ", report, re.MULTILINE):
            yield line, "", line


def openapi_generator(report):
    for level, source, message in re.findall(r"^\[\w+\] (WARN|ERROR) +(\S+) - (.*)$", report, re.MULTILINE):
        yield source.rsplit(".", 1)[-1], level, message


READERS = {"redocly": redocly, "spectral": spectral, "python": python, "java": openapi_generator, "go": openapi_generator}


def matches(exception, rule, where, message):
    return (
        exception["rule"] == rule
        and fnmatch.fnmatchcase(where, exception.get("where", "*"))
        and exception.get("says", "") in message
    )


def main():
    judge, report, notes = sys.argv[1:]
    exceptions = [one for one in tomllib.loads(LIST.read_text()).get("exception", []) if one["judge"] == judge]
    needed = [False] * len(exceptions)
    fresh, excused = [], 0
    for finding in READERS[judge](Path(report).read_text()):
        hits = [index for index, exception in enumerate(exceptions) if matches(exception, *finding)]
        for index in hits:
            needed[index] = True
        if hits:
            excused += 1
        else:
            fresh.append(finding)
    for rule in dict.fromkeys(rule for rule, _, _ in fresh):
        places = [(where, message) for one, where, message in fresh if one == rule]
        print(f"{rule}: {len(places)}")
        for where, message in places[:SHOWN]:
            print(f"    at {where}: {message}")
    stale = [exception for exception, used in zip(exceptions, needed) if not used]
    for exception in stale:
        print(f"exceptions.toml: nothing needs {exception['judge']} {exception['rule']} {exception.get('where', '')}")
    with open(notes, "a") as file:
        print(f"{len(fresh)} findings, {excused} excused by {len(exceptions)} exceptions", file=file)
    sys.exit(bool(fresh or stale))


if __name__ == "__main__":
    main()
