"""What Schemathesis cannot know of Regimen: how callers sign in, and what would end a run.

The environment names who calls: JUDGES_CALLER is a file that prepare.py wrote, JUDGES_AS is
`token`, `session` or `nobody`, and JUDGES_SEEN is a file to which each answer's operation, kind
of data and status are written, one line for each that is new.
"""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import schemathesis
from hypothesis import strategies

CALLER = json.loads(Path(os.environ["JUDGES_CALLER"]).read_text())
AS = os.environ["JUDGES_AS"]
ORIGIN = os.environ["JUDGES_ORIGIN"]
VISIBLE = strategies.characters(min_codepoint=0x20, max_codepoint=0x7E)
READS = ("GET", "HEAD", "OPTIONS", "TRACE")


def call(method, path, body=None, token=None):
    """Calls the program beside the test, and answers status and JSON."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(ORIGIN + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code, {}


class Session:
    """A signed-in person. Tests sign out, and access tokens are short-lived: then it signs in again."""

    def __init__(self):
        self.token = None

    def current(self):
        if self.token is None:
            body = {"email": CALLER["email"], "password": CALLER["password"]}
            status, session = call("POST", "/v1/auth/login", body)
            if status != 200:
                raise RuntimeError(f"signing in again was refused with {status}")
            self.token = session["access_token"]
        return self.token

    def doubt(self):
        """After a 401, which may be meant for a test that left the token out."""
        if self.token and call("GET", "/v1/auth/me", token=self.token)[0] == 401:
            self.token = None


SESSION = Session()


if AS != "nobody":

    @schemathesis.auth(refresh_interval=None)
    class Bearer:
        """The caller's credential, on every request that Schemathesis does not send without one."""

        def get(self, case, context):
            return SESSION.current() if AS == "session" else CALLER["token"]

        def set(self, case, data, context):
            # In place: new headers would pass for headers that a test asks for.
            if case.headers is None:
                case.headers = {}
            case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.serializer("application/x-ndjson")
def lines_of_json(context, value):
    """The document calls such a body a text; anything else that is sent in its place goes as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Shows Schemathesis how to write headers in quotes.

    Where a header's pattern asks for a quotation mark, as an entity tag does, it finds no valid
    value by itself, and would send an invalid one with every other test.
    """
    for item in raw_schema["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                schema = parameter.get("schema", {})
                if parameter["in"] == "header" and '"' in schema.get("pattern", ""):
                    schema["format"] = f"header {parameter['name']}"
                    values = strategies.from_regex(schema["pattern"], fullmatch=True, alphabet=VISIBLE)
                    schemathesis.openapi.format(schema["format"], values.filter(lambda text: len(text) <= 100))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Spares the caller's own membership and token: without them nothing more would be tested.

    A stand-in of the same type takes the blow. It holds for every path that names one of them,
    and so for those that come later.
    """
    if case.method in READS or not case.path_parameters:
        return
    spare_own_tokens(case)
    for name, value in case.path_parameters.items():
        if value in CALLER["stand_ins"]:
            case.path_parameters[name] = CALLER["stand_ins"][value]


def spare_own_tokens(case):
    """Revoking the tokens of everybody revokes those of one other member instead."""
    if not case.path.endswith("/token-revocations") or not isinstance(case.body, dict):
        return
    stand_in = CALLER["stand_ins"]["me"]
    own = [member for member, other in CALLER["stand_ins"].items() if other == stand_in]
    if case.body.get("member_id") in (None, *own):
        case.body["member_id"] = stand_in


SEEN = set()


@schemathesis.hook
def after_call(context, case, response):
    """Keeps what was answered, so that exceptions which nothing needs can be told."""
    if response.status_code == 401:
        SESSION.doubt()
    kind = "valid" if case.meta and case.meta.generation.mode.is_positive else "invalid"
    line = f"{case.operation.definition.raw['operationId']} {kind} {response.status_code}"
    if line not in SEEN:
        SEEN.add(line)
        with open(os.environ["JUDGES_SEEN"], "a") as seen:
            print(line, file=seen)
