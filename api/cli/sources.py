"""``goatherd sources``: the state of all sources, and a check of one."""

from contextlib import ExitStack
from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import replace

from api.cli import CommandError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import fitting, opened_store
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain, print_json, print_list, print_table
from domain.creator.handle import normalize_handle
from infra.setting_forms import ProviderName


def list_sources(*, data_dir: DataDir = None, json: Json = False) -> None:
    """List the sources of TikTok's data, the first that scrapes use first."""
    from api.routes.sources import provider_states

    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        wait_until_caught_up(connection, "scrape_runs", what="this list is")
        found = provider_states(settings, connection)
    print_list(
        found,
        "source=provider in_use=configured last_success=last_success_at "
        "requests_today daily_budget cost_today state",
        json=json,
        cost_today=lambda one: (
            None if one.cost_today is None else f"{one.cost_today} {one.currency}"
        ),
        state=lambda one: one.to_do or one.why_not or "ok",
    )


def check(
    handle: Annotated[
        str,
        Parameter(
            help="The handle of the creator to scrape, or the URL of the profile."
        ),
    ],
    /,
    *,
    provider: Annotated[
        ProviderName | None,
        Parameter(
            help="The source to check; by default the first of GOATHERD_PROVIDERS that "
            "can serve the creator."
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Scrape one creator once, store nothing, and print each step.

    The exit status is 0 if the source answered and was understood, else 1.
    """
    from infra.embedded import running_valkey_url
    from infra.settings import SettingsError
    from workers.main import choose_providers_for_check
    from workers.sources.check import check_source
    from workers.sources.recordings.file_format import RecordingError
    from workers.sources.request_counts import RequestCounts

    settings = read_settings(data_dir=data_dir)
    if settings.redis_url is None:
        # Redis holds the turns and budgets that are shared with the workers.
        found = running_valkey_url(settings.data_dir)
        settings = replace(settings, redis_url=found)
    name = normalize_handle(handle)
    with opened_store(settings) as store:
        try:
            opened = choose_providers_for_check(settings, store.pool, provider)
        except (SettingsError, RecordingError) as error:
            raise CommandError(str(error)) from error
        counts = RequestCounts(store.pool, settings)
        with ExitStack() as stack:
            for each in opened:
                stack.callback(each.close)
            found = check_source(opened, name, pool=store.pool, counts=counts)
    if json:
        print_json(found)
    else:
        print_table(
            ("step", "status", "understood", "ms"),
            ((s.what, s.status, s.understood, s.duration_ms) for s in found.steps),
        )
        print(f"\n{found.provider}: {plain(found.verdict)}")
        print(f"Next: {found.next}")
    return 0 if found.worked else 1
