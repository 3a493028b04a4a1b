"""The meaning of each setting, as docs/operating.md prints it."""


def _budget_and_price(provider: str) -> dict[str, str]:
    return {
        f"{provider}_daily_budget": f"Requests that may be sent to {provider} in a day "
        "(UTC), over all organizations. After them the "
        "next provider is asked.",
        f"{provider}_price": f"The price of one request to {provider}. Goatherd adds "
        "up the costs.",
    }


MEANINGS = {
    "database_url": (
        "The address of PostgreSQL 16 or newer. Without it `goatherd up` "
        "runs its own server."
    ),
    "database_patience_seconds": "Seconds that a starting process waits for an "
    "unreachable database before it ends with an error. "
    "The processes of `goatherd up` wait for at least 20.",
    "redis_url": (
        "The address of Redis 7 or Valkey 8 or newer. Without it `goatherd "
        "up` runs its own server."
    ),
    "data_dir": (
        "The folder in which `goatherd up` keeps the data of its servers and "
        "the first key."
    ),
    "host": "The address that HTTP listens on.",
    "port": "The port that HTTP listens on.",
    "url": "The address at which people reach Goatherd; links in mails and the address "
    "to which an OpenID provider sends people back begin with it. Without it, links "
    "begin with the host and port above, for this machine alone; those that commands "
    "print, with the address of the `goatherd up` of the data directory.",
    "key": "An API key of another installation: `goatherd call` sends its request to "
    "`GOATHERD_URL` with it, and does nothing here.",
    "http_workers": "The number of processes that answer HTTP requests.",
    "max_connections": "Connections that HTTP holds open at most. Several processes "
    "share them evenly.",
    "max_connections_per_address": "Connections that may come from one address (in "
    "IPv6 from one /64) at most. Behind a proxy all "
    "connections come from the address of the proxy, which needs as many as "
    "`GOATHERD_MAX_CONNECTIONS`.",
    "trusted_proxies": "The proxies that visitors come through. From these alone "
    "[the address of a visitor](#how-do-i-put-a-proxy-before-it) is taken from "
    "`X-Forwarded-For`. Without it nothing of that header is believed.",
    "cors_origins": "The sites whose pages may call the API from a browser.",
    "secret": "The secret that signs cursors and sessions, the same for every process. "
    "Without it `goatherd up` makes a secret and keeps it in the data "
    "directory.",
    "master_key": "The key that encrypts the keys of personal data, the same for every "
    "process. Without it `goatherd up` makes a key and keeps it in the "
    "data directory. If the master key is lost, nobody can read a name "
    "in the log any more.",
    "smtp_url": "The mail server, the sender and the encryption. `tls` is `starttls` "
    "(the default, port 587), `tls` (465) or `none` (25, for a server on the same "
    "machine). Signs with a meaning in addresses are escaped, such as `%40` for @ in "
    "a user's name. Without it Goatherd sends no mail, and links are handed over by "
    "people.",
    "webhook_allowed_hosts": "The hosts inside of your network that webhooks may "
    "reach, by plain http as well. Webhooks reach all other hosts by https, and no "
    "host at a private address.",
    "oidc_issuer": (
        "The OpenID provider at which people [sign in]"
        "(#how-do-people-sign-in-by-a-directory), exactly as it names itself. It is "
        "set together with the client's id and secret, the organization and the roles."
    ),
    "oidc_client_id": "The id that the provider gave to Goatherd.",
    "oidc_client_secret": "The secret that the provider gave to Goatherd.",
    "oidc_organization": "The id of the organization to which people belong who sign "
    "in by the provider, as `goatherd orgs list --ids` prints it.",
    "oidc_role_claim": "The claim of the provider that has a person's groups or roles. "
    "Dots separate the names of a claim within a claim, as in "
    "`realm_access.roles`.",
    "oidc_roles": "The role of each value of that claim: owner, admin, member or "
    "viewer. The highest one counts. Nobody gets in without a value of "
    "this list.",
    "oidc_max_age_seconds": "Seconds after which a session of somebody who signed in "
    "by the provider ends. The provider is asked again then.",
    "passwords": "Let people sign in with a password or a passkey. `false` leaves the "
    "OpenID provider alone, and links of `goatherd members reset-link`, which sign in "
    "once.",
    "key_sign_in": "Let people use pages with an API key, or by the link of a later "
    "start. `false` leaves keys to programs.",
    "remote_images": "Show avatars and thumbnails on pages. The server fetches and "
    "keeps them, so that browsers send no request to TikTok. If "
    "`replay` is the only provider, no pictures are fetched.",
    "image_hosts": "The hosts from which the server may fetch pictures, and their "
    "subdomains.",
    "providers": "The providers of scrapes, in the order in which they are asked. The "
    "next one is asked when a provider fails or may not be asked. Without this "
    "setting scrapes wait, and `goatherd up --demo` plays the bundled recording. "
    "`GOATHERD_PROVIDER` is another name of this setting.",
    "recordings": (
        "The recordings that the replay provider plays. Without this setting "
        "it plays the bundled demo."
    ),
    "replay_speed": "Recorded seconds that the replay provider plays in one second. "
    "Without this setting your recordings play at 86,400, a day each "
    "second, and the demo keeps the pace of the clock.",
    "web_base_url": "The address at which the web provider reads TikTok. "
    "`GOATHERD_TIKTOK_BASE_URL` is another name of this setting.",
    **_budget_and_price("web"),
    "research_base_url": (
        "The address of TikTok's Research API, for the research provider."
    ),
    "research_client_key": "The client key for the Research API.",
    "research_client_secret": "The client secret for the Research API.",
    **_budget_and_price("research"),
    "display_client_key": "The client key of your app at TikTok, with which creators "
    "connect their own accounts.",
    "display_client_secret": "The client secret of that app.",
    "display_base_url": (
        "The address of TikTok's Display API, for the display provider."
    ),
    "display_auth_url": "The page of TikTok on which creators consent.",
    "display_redirect_url": "The address to which TikTok sends creators back, as it is "
    "registered with the app: the address at which creators "
    "reach this installation, with `/connect/callback`.",
    **_budget_and_price("display"),
    "scrapecreators_base_url": (
        "The address of the service that the scrapecreators provider asks."
    ),
    "scrapecreators_api_key": "The key of your account at ScrapeCreators.",
    **_budget_and_price("scrapecreators"),
    "ensembledata_base_url": (
        "The address of the service that the ensembledata provider asks."
    ),
    "ensembledata_api_key": "The token of your account at EnsembleData.",
    **_budget_and_price("ensembledata"),
    "worker_processes": "The number of processes that scrape.",
    "worker_threads": "Scrapes that each of these processes runs at a time. If `web` "
    "is the first provider, each process runs one, whatever this "
    "setting says.",
    "lease_seconds": "Seconds without a sign from a worker after which another worker "
    "takes over its scrape.",
    "max_queue_age_seconds": "Seconds that scrapes of an organization may be overdue "
    "before the organization's further manual scrapes are "
    "refused.",
    "writing_pool_size": "Database connections that a process may use for commands.",
    "reading_pool_size": "Database connections that a process may use for reads.",
    "own_pool_size": "Database connections that a process may use for keys and quotas.",
    "plans": "The limits of plans, which are added to the built-in plans or replace "
    "them. A limit that is left out is unlimited.",
    "log_level": "The lowest level of messages that are logged.",
    "log_format": "The format of the log's lines.",
}
