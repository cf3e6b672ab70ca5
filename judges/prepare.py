"""Makes a workspace with a little in it, through the API itself, and tells who may call.

    prepare.py ORIGIN CALLER

CALLER is owner, admin, member or viewer: who the tests will call as. Prints one JSON object: the
workspace's id, the caller's API token, e-mail and password, and the ids that the caller must not
be made to destroy, each with a stand-in of the same type.
"""

import datetime
import json
import secrets
import sys
import urllib.error
import urllib.request

SCOPES = {
    "viewer": ["read"],
    "member": ["read", "points:write", "write"],
    "admin": ["read", "points:write", "write", "admin"],
    "owner": ["read", "points:write", "write", "admin"],
}
SECRET = secrets.token_urlsafe(24)


class Caller:
    """Somebody with a credential; every answer must be a success."""

    def __init__(self, origin, token=None):
        self.origin = origin
        self.token = token

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            sys.exit(f"{method} {path}: {refusal.code} {refusal.read().decode()}")
        return json.loads(text) if text else None

    def register(self, address, name, invitation=None):
        """A new account, signed in."""
        body = {"email": address, "name": name, "password": SECRET, "invitation_token": invitation}
        return Caller(self.origin, self.call("POST", "/v1/auth/register", body)["access_token"])


def address_of(name):
    """An e-mail address is taken once on a server, so each workspace has its own."""
    return f"{name}-{secrets.token_hex(6)}@example.com"


def invite(owner, workspace, role):
    """A member of that role: e-mail address and session."""
    address = address_of(role)
    invitation = owner.call("POST", f"{workspace}/invitations", {"email": address, "role": role})
    return address, owner.register(address, role.title(), invitation["token"])


def furnish(owner, workspace):
    """KPIs in every state of the loop, and what hangs on them."""
    today = datetime.date.today()
    team = owner.call("POST", f"{workspace}/teams", {"name": "Growth", "slug": "growth"})
    owner.call("PUT", f"{workspace}/teams/{team['id']}/members/me", {})
    cycle = {
        "name": "This quarter",
        "slug": "this-quarter",
        "starts_on": str(today - datetime.timedelta(days=30)),
        "ends_on": str(today + datetime.timedelta(days=60)),
    }
    owner.call("POST", f"{workspace}/cycles", cycle)
    for name, value in ("Churn rate", 4.6), ("Bounce rate", 4.2), ("Lead time", 2.0):
        kpi = {"name": name, "target": {"max": 3}, "tolerance": {"max": 4}, "cadence": "daily", "team_id": "growth"}
        key = owner.call("POST", f"{workspace}/kpis", kpi)["key"]
        for days in range(3, 0, -1):
            day = today - datetime.timedelta(days=days)
            owner.call("PUT", f"{workspace}/kpis/{key}/points/{day}", {"value": value})
    owner.call("POST", f"{workspace}/kpis/churn-rate/remedies", {})
    objective = owner.call(
        "POST",
        f"{workspace}/objectives",
        {
            "title": "Answer sooner",
            "cycle_id": "current",
            "state": "active",
            "key_results": [{"title": "Hours to the first answer", "kind": "decrease", "start": 9, "target": 4}],
        },
    )
    results = owner.call("GET", f"{workspace}/objectives/{objective['id']}/key-results")["items"]
    owner.call("POST", f"{workspace}/key-results/{results[0]['id']}/check-ins", {"value": 7, "confidence": "on_track"})


def main():
    origin, role = sys.argv[1:]
    owner = Caller(origin).register(address_of("founder"), "Founder")
    made = owner.call("POST", "/v1/workspaces", {"name": "Judged", "slug": f"judged-{secrets.token_hex(6)}"})
    workspace = f"/v1/workspaces/{made['id']}"
    furnish(owner, workspace)
    owner.call("POST", f"{workspace}/invitations", {"email": "pending@example.com"})

    address, caller = invite(owner, workspace, role)
    _, stand_in = invite(owner, workspace, "viewer")
    own, other = (
        {
            "member": person.call("GET", f"{workspace}/members/me")["id"],
            "token": person.call(
                "POST", f"{workspace}/tokens", {"name": "judged", "kind": "personal", "scopes": scopes}
            ),
        }
        for person, scopes in ((caller, SCOPES[role]), (stand_in, ["read"]))
    )
    print(
        json.dumps(
            {
                "workspace": made["id"],
                "token": own["token"]["token"],
                "email": address,
                "password": SECRET,
                "stand_ins": {
                    "me": other["member"],
                    own["member"]: other["member"],
                    own["token"]["id"]: other["token"]["id"],
                },
            }
        )
    )


if __name__ == "__main__":
    main()
