"""The rules of an organization are judged at once, as workers do after its events."""

from tests.kit.application import Tenant, settings_for
from workers.alerts.checks import AlertChecks


def judge(tenant: Tenant) -> None:
    """Judge the rules of the organization now."""
    goatherd = tenant.goatherd
    goatherd.catch_up()
    plans = settings_for(goatherd.url).all_plans
    AlertChecks(goatherd.store, plans).check(tenant.organization_id)
    goatherd.catch_up()
