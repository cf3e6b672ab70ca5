"""The loop of the README, through the client that openapi-python-client makes.

    loop.py ORIGIN

First every module of the client is imported, so that those that nothing here uses are judged too.
"""

import datetime
import importlib
import pkgutil
import secrets
import sys

import regimen_client
from regimen_client import AuthenticatedClient, Client
from regimen_client.api.auth import register_account
from regimen_client.api.kpis import create_kpi, show_kpi
from regimen_client.api.points import put_point
from regimen_client.api.remedies import create_remedy, list_kpi_remedies
from regimen_client.api.tokens import create_token
from regimen_client.api.triage import show_triage
from regimen_client.api.workspaces import create_workspace
from regimen_client.models import (
    NewAccount,
    NewBounds,
    NewKpi,
    NewRemedy,
    NewToken,
    NewWorkspace,
    PutPoint,
    Scope,
)


def good(response):
    """What a call that must succeed answered."""
    if response.status_code >= 300:
        sys.exit(f"{response.status_code} {response.content.decode()}")
    return response.parsed


def expect(actual, expected):
    if actual != expected:
        sys.exit(f"{actual!r} instead of {expected!r}")


def main():
    origin = sys.argv[1]
    modules = [module.name for module in pkgutil.walk_packages(regimen_client.__path__, "regimen_client.")]
    for module in modules:
        importlib.import_module(module)

    unique = secrets.token_hex(4)
    account = NewAccount(email=f"ann-{unique}@example.com", name="Ann", password=f"seven purple bicycles {unique}")
    session = good(register_account.sync_detailed(client=Client(origin), body=account))
    ann = AuthenticatedClient(origin, session.access_token)
    workspace = good(
        create_workspace.sync_detailed(client=ann, body=NewWorkspace(name="Acme", slug=f"acme-{unique}"))
    ).slug
    token = good(
        create_token.sync_detailed(workspace, client=ann, body=NewToken("script", [Scope.READ, Scope.WRITE]))
    ).token
    script = AuthenticatedClient(origin, token)

    body = NewKpi("Churn rate", target=NewBounds(max_=3), tolerance=NewBounds(max_=4))
    kpi = good(create_kpi.sync_detailed(workspace, client=script, body=body))
    expect(kpi.key, "churn-rate")
    expect(kpi.health, "unknown")
    expect(kpi.target.max_, 3)

    today = str(datetime.datetime.now(datetime.UTC).date())

    def post(value):
        return good(put_point.sync_detailed(workspace, kpi.key, today, client=script, body=PutPoint(value)))

    def triage():
        return good(show_triage.sync_detailed(workspace, client=script))

    post(4.6)
    ill = triage()
    expect([(row.key, row.health) for row in ill.untreated], [("churn-rate", "unhealthy")])
    expect(ill.in_treatment, [])

    remedy = good(create_remedy.sync_detailed(workspace, kpi.key, client=script, body=NewRemedy()))
    treated = triage()
    expect(treated.untreated, [])
    expect([row.key for row in treated.in_treatment], ["churn-rate"])

    post(2.8)
    healed = good(list_kpi_remedies.sync_detailed(workspace, kpi.key, client=script))
    expect([(one.id, one.outcome) for one in healed.items], [(remedy.id, "recovered")])
    expect(triage().untreated, [])

    refused = show_kpi.sync_detailed(workspace, "no-such-kpi", client=script)
    expect((refused.status_code, refused.parsed.code), (404, "not_found"))
    print(f"imported {len(modules)} modules; the loop ran for {remedy.id}")


if __name__ == "__main__":
    main()
