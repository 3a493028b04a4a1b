"""What each setting is for, as docs/operating.md says it."""


def _budget_and_price(provider: str) -> dict[str, str]:
    return {
        f"{provider}_daily_budget": f"Requests that {provider} may send in a day "
        "(UTC), over all organizations; then the next provider is asked.",
        f"{provider}_price": f"What a request of {provider} costs; it is added up.",
    }


MEANINGS = {
    "database_url": "PostgreSQL 16 or newer. Without it `goatherd up` runs its own.",
    "database_patience_seconds": "Seconds that a process waits when it starts and the "
    "database is away, before it ends with an error. Those of `goatherd up` wait for "
    "at least 20.",
    "redis_url": "Redis 7 or Valkey 8 or newer. Without it `goatherd up` runs its own.",
    "data_dir": "Where `goatherd up` keeps its servers' data and the first key.",
    "host": "The address that HTTP listens on.",
    "port": "The port that HTTP listens on.",
    "http_workers": "Processes that answer HTTP.",
    "max_connections": "Connections that HTTP holds open; with several processes each "
    "has its share.",
    "max_connections_per_address": "How many of these may come from one address (in "
    "IPv6 from one /64). Behind a proxy they all come from the proxy's.",
    "cors_origins": "Sites whose pages may call the API from a browser.",
    "secret": "Signs cursors and sessions, the same for every process. Without it "
    "`goatherd up` makes one and keeps it in the data directory.",
    "master_key": "Encrypts the keys that personal data are encrypted with, the same "
    "for every process. Without it `goatherd up` makes one and keeps it in the data "
    "directory. Who loses it loses every name in the log.",
    "remote_images": "Whether pages show avatars and thumbnails, which the server "
    "fetches and keeps, so that no browser asks TikTok. Never while nothing "
    "but `replay` is asked.",
    "image_hosts": "Hosts that the server may fetch pictures from, with their "
    "subdomains.",
    "providers": "Where scrapes look, in this order: the next is asked when one fails "
    "or may not be asked. `GOATHERD_PROVIDER` is another name of this setting.",
    "recordings": "What the replay provider plays. Without it the bundled demo.",
    "replay_speed": "Recorded seconds that the replay provider plays in one second. "
    "Without it 86,400, a day, of your recordings; the demo keeps the clock's pace.",
    "web_base_url": "Where the web provider finds TikTok. `GOATHERD_TIKTOK_BASE_URL` "
    "is another name of this setting.",
    **_budget_and_price("web"),
    "research_base_url": "Where the research provider finds TikTok's Research API.",
    "research_client_key": "The client key for the Research API.",
    "research_client_secret": "The client secret for the Research API.",
    **_budget_and_price("research"),
    "display_client_key": "The client key of your app at TikTok, with which creators "
    "connect their own accounts.",
    "display_client_secret": "The client secret of that app.",
    "display_base_url": "Where the display provider finds TikTok's Display API.",
    "display_auth_url": "TikTok's page on which creators consent.",
    "display_redirect_url": "Where TikTok sends creators back to, as it is registered "
    "with the app: the address at which creators reach this installation, with "
    "`/connect/callback`.",
    **_budget_and_price("display"),
    "scrapecreators_base_url": "Where the scrapecreators provider finds its service.",
    "scrapecreators_api_key": "The key of your account at ScrapeCreators.",
    **_budget_and_price("scrapecreators"),
    "ensembledata_base_url": "Where the ensembledata provider finds its service.",
    "ensembledata_api_key": "The token of your account at EnsembleData.",
    **_budget_and_price("ensembledata"),
    "worker_processes": "Processes that scrape.",
    "worker_threads": "Scrapes that each of them runs at a time; where the "
    "web provider is asked first one, whatever is set.",
    "lease_seconds": "Seconds that a worker may stay silent before another takes over "
    "its scrape.",
    "max_queue_age_seconds": "Seconds that an organization's scrapes may be overdue "
    "before more by hand are refused.",
    "writing_pool_size": "Database connections a process may use for commands.",
    "reading_pool_size": "Database connections a process may use for reads.",
    "own_pool_size": "Database connections a process may use for keys and quotas.",
    "plans": "Limits of plans, added to the built-in ones or replacing them; a limit "
    "left out is none.",
    "log_level": "The least important lines that are still logged.",
    "log_format": "How a line of the log looks.",
}
