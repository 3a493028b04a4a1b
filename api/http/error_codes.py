"""Every failure that HTTP answers with, in one table: the enum ``Code``.

OpenAPI's error responses, the page /docs/errors and the Markdown of
``python -m api.http.errors`` are made from it.
"""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """The machine-readable name of a failure, with its HTTP status.

    Codes are permanent; sentences may be reworded at any time.
    """

    status: int
    meaning: str
    example: str

    def __new__(cls, code: str, status: int, meaning: str, example: str) -> Self:
        self = str.__new__(cls, code)
        self._value_ = code
        self.status = status
        self.meaning = meaning
        self.example = example
        return self

    INVALID_QUERY = (
        "invalid_query",
        400,
        "A query parameter is unknown, repeated or missing, or has an invalid value.",
        "/limit: must be int <= 100",
    )
    INVALID_BODY = (
        "invalid_body",
        400,
        "The body is not JSON, or a field of it is unknown or has an invalid value.",
        "/creators/3/tiktok_handle: must be str, not int",
    )
    INVALID_PARAMS = (
        "invalid_params",
        400,
        "A part of the path or a header has an invalid value.",
        '/If-Match: must be "<version>", a list of those, or *',
    )
    INVALID_CURSOR = (
        "invalid_cursor",
        400,
        "The cursor belongs to another list or to other filters.",
        "The cursor does not belong to this list; start again without one.",
    )
    BODY_TOO_DEEP = (
        "body_too_deep",
        400,
        "The JSON is nested more than 64 levels deep.",
        "The body is nested more than 64 levels deep.",
    )
    INVALID_API_KEY = (
        "invalid_api_key",
        401,
        "The key is missing, malformed, unknown, expired or revoked.",
        "Invalid or missing API key.",
    )
    LIMIT_REACHED = (
        "limit_reached",
        402,
        "The plan has no room left for the request.",
        "The plan allows 50 creators, and there are 50 already.",
    )
    RETENTION_EXCEEDED = (
        "retention_exceeded",
        402,
        "The requested time is older than the history that the plan shows.",
        "The plan keeps 30 days of history.",
    )
    INSUFFICIENT_SCOPE = (
        "insufficient_scope",
        403,
        "The key is valid, but lacks the scope that the operation needs.",
        "This action requires the 'write' scope. Granted: [read]",
    )
    OPERATOR_ONLY = (
        "operator_only",
        403,
        (
            "The operation concerns the whole installation, and the organization does "
            "not operate it."
        ),
        "Your organization does not run this installation, so it may not do this.",
    )
    PERSON_REQUIRED = (
        "person_required",
        403,
        "The operation is about the person who asks, and the key has no person.",
        "This needs a person: the key belongs to the organization.",
    )
    RECENT_PROOF_REQUIRED = (
        "recent_proof_required",
        403,
        (
            "The act is dangerous: a person carries it out on a page, where they prove "
            "who they are, and a personal key can't."
        ),
        "This needs a recent proof of the person, which a personal key can't give.",
    )
    OWNERS_ONLY = (
        "owners_only",
        403,
        "Only owners make, change and remove owners; admins and keys do not.",
        "Only an owner can make, change or remove an owner.",
    )
    ANOTHER_ADDRESS = (
        "another_address",
        403,
        "The invitation is for another address than that of the person who accepts.",
        "The invitation is for another address: use an account with that address.",
    )
    SECOND_FACTOR_REQUIRED = (
        "second_factor_required",
        403,
        "The organization requires a second factor, and the person has none yet.",
        "Your organization requires a second factor: set one up on your page first.",
    )
    VIEW_OF_ANOTHER = (
        "view_of_another",
        403,
        "For whom a saved view is, its owner and admins of the organization decide.",
        "The view is another person's: they or an admin decide for whom it is.",
    )
    NOT_FOUND = (
        "not_found",
        404,
        "The organization has no such thing, or the API has no such operation.",
        "No such creator.",
    )
    METHOD_NOT_ALLOWED = (
        "method_not_allowed",
        405,
        (
            "The address does not support the method; Allow names the methods that it "
            "supports."
        ),
        "This address has no such method. Allowed: GET, OPTIONS.",
    )
    REQUEST_TIMEOUT = (
        "request_timeout",
        408,
        "The body did not arrive in time: 10 s, and a second more for each 20 kB.",
        "The body did not arrive in time.",
    )
    HANDLE_TAKEN = (
        "handle_taken",
        409,
        "Another creator of the project has the handle.",
        "@ada is taken in this project.",
    )
    REPORT_STOPPED = (
        "report_stopped",
        409,
        "Goatherd stopped the report, because its creator moved to another project.",
        "The report was stopped. Look at its recipients and switch it on.",
    )
    ACCOUNT_IN_PROJECT = (
        "account_in_project",
        409,
        (
            "Another creator of that project belongs to the same account; they may be "
            "removed."
        ),
        "@ada of that project is the same account (removed).",
    )
    CREATOR_BANNED = (
        "creator_banned",
        409,
        "The handle is banned on this installation.",
        "@ada is banned and cannot be tracked.",
    )
    ERASED_AND_BANNED = (
        "erased_and_banned",
        409,
        "The account was erased, and a ban keeps it from being tracked again.",
        "The account was erased and is banned.",
    )
    CREATOR_REMOVED = (
        "creator_removed",
        409,
        "The creator was removed; adding the handle again restores the creator.",
        "The creator was removed; add the handle again first.",
    )
    INVALID_HANDLE = (
        "invalid_handle",
        409,
        "The text is no TikTok handle.",
        "'a b' is not a TikTok handle.",
    )
    NO_CHANGE = (
        "no_change",
        409,
        "The new handle is the one that the creator already has.",
        "The creator's handle already is @ada.",
    )
    CAMPAIGN_CYCLE = (
        "campaign_cycle",
        409,
        "The campaign would contain itself, directly or through others.",
        "A campaign cannot contain itself, directly or indirectly.",
    )
    CAMPAIGN_TOO_DEEP = (
        "campaign_too_deep",
        409,
        "Campaigns would be nested more than 10 deep.",
        "Campaigns can lie in each other at most 10 deep, from top to bottom.",
    )
    ALREADY_MEMBER = (
        "already_member",
        409,
        "The request names the same item twice, or invites somebody who is a member.",
        "It is the same item as items/0.",
    )
    ALREADY_INVITED = (
        "already_invited",
        409,
        "An open invitation has the address.",
        "This address has an open invitation: send that again, or withdraw it.",
    )
    NO_PASSWORD_LINK = (
        "no_password_link",
        409,
        "The member's account is not the organization's alone, so no admin opens it.",
        (
            "The person belongs to another organization as well, or signs in by a "
            "directory: only the operator can make a link for them."
        ),
    )
    ITEM_REMOVED = (
        "item_removed",
        409,
        "The creator was removed, the video excluded, or the campaign deleted.",
        "The creator was removed; add the handle again first.",
    )
    OTHER_PROJECT = (
        "other_project",
        409,
        "The item is in another project than the campaign, or the video was moved.",
        "The creator is in another project than the campaign.",
    )
    CONSENT_REFUSED = (
        "consent_refused",
        409,
        (
            "The account cannot be connected with the creator, or another creator of "
            "the project is connected with it."
        ),
        "Another creator of the project is connected with this account.",
    )
    SYSTEM_ANNOTATION = (
        "system_annotation",
        409,
        "The annotation follows from the log, so nobody can change it.",
        "The annotation follows from what happened; only notes can be changed.",
    )
    BUILT_IN_VIEW = (
        "built_in_view",
        409,
        "The view comes with Goatherd, so nobody can change it.",
        "The view comes with Goatherd; save a view of your own to change it.",
    )
    ALERT_OVER = (
        "alert_over",
        409,
        "The alert is resolved, so nobody can acknowledge or snooze it.",
        "The alert is resolved already.",
    )
    MAIL_NOT_SET_UP = (
        "mail_not_set_up",
        409,
        "The installation has no mail server: the setting GOATHERD_SMTP_URL names one.",
        "This installation has no mail server: set GOATHERD_SMTP_URL to send mail.",
    )
    NO_CONTACT_ADDRESS = (
        "no_contact_address",
        409,
        "No contact address of the creator is known, so no mail can reach them.",
        "The creator has no contact address: set contact_email first.",
    )
    OPTED_OUT = (
        "opted_out",
        409,
        "The creator has opted out of mails.",
        "The creator has opted out of mails.",
    )
    EMAIL_TAKEN = (
        "email_taken",
        409,
        "Another person of the installation has the address.",
        "Another person of this installation has this address.",
    )
    LAST_OWNER = (
        "last_owner",
        409,
        "The organization would have no owner any more.",
        "The organization needs an owner: make somebody else an owner first.",
    )
    LAST_PROJECT = (
        "last_project",
        409,
        "No project that is not archived would be left.",
        "No other project would be left: create or restore one before.",
    )
    PROJECT_ARCHIVED = (
        "project_archived",
        409,
        "The project is archived, so nothing new is tracked or scraped there.",
        "The project is archived: restore it first.",
    )
    LAST_SIGN_IN_METHOD = (
        "last_sign_in_method",
        409,
        "The person could not sign in any more without this way.",
        "This is your last way to sign in, so it stays.",
    )
    HAS_OWNER = (
        "has_owner",
        409,
        "The organization has an owner, so that a key makes no other one.",
        "The organization has an owner already; sign in as a person.",
    )
    CANNOT_REBUILD = (
        "cannot_rebuild",
        409,
        "The projection cannot be rebuilt; the sentence says why.",
        "scrape_jobs is no read model, so it cannot be rebuilt.",
    )
    CANNOT_RETRY = (
        "cannot_retry",
        409,
        "The scrape cannot be retried; the sentence says why.",
        "The scrape cannot be tried again: it has not ended.",
    )
    IDEMPOTENCY_CONFLICT = (
        "idempotency_conflict",
        409,
        "The Idempotency-Key was used on another route.",
        "This Idempotency-Key was used for POST /api/v1/projects.",
    )
    IDEMPOTENCY_IN_FLIGHT = (
        "idempotency_in_flight",
        409,
        "The first request with this Idempotency-Key is still running.",
        "The first request with this Idempotency-Key is still running.",
    )
    GONE = (
        "gone",
        410,
        (
            "The entity of the request was erased, the invitation is over, or the "
            "operation was removed; the sentence says which."
        ),
        "Use GET /api/v1/analytics instead.",
    )
    VERSION_CONFLICT = (
        "version_conflict",
        412,
        "The resource changed since the version that If-Match names.",
        "The version is now 7; read again and retry.",
    )
    BODY_TOO_LARGE = (
        "body_too_large",
        413,
        "The body is larger than 1 MB, or than 10 MB where it is a CSV file.",
        "The body is larger than 1 MB.",
    )
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported_media_type",
        415,
        "The body must be sent as application/json.",
        "The body must be sent as application/json.",
    )
    INVALID_LOGO = (
        "invalid_logo",
        422,
        "The body is no picture that reports can print; the sentence says why.",
        "logo: a logo is a PNG, JPEG or WebP picture.",
    )
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency_key_reused",
        422,
        "The Idempotency-Key was used on this route with another body.",
        "This Idempotency-Key was used with another body.",
    )
    RATE_LIMIT_EXCEEDED = (
        "rate_limit_exceeded",
        429,
        "Too many requests: wait as many seconds as Retry-After says.",
        "Rate limit exceeded: 60 requests per minute. Retry in 31 s.",
    )
    INTERNAL_ERROR = (
        "internal_error",
        500,
        "Goatherd failed. The log has the reason under the request id.",
        "Something went wrong on our side.",
    )
    PDF_NOT_INSTALLED = (
        "pdf_not_installed",
        501,
        "This installation writes no PDF files: the extra pdf is not installed.",
        "PDF needs the extra pdf of Goatherd. Print the page of the report instead.",
    )
    PROJECTION_BEHIND = (
        "projection_behind",
        503,
        "The read model has not reached Goatherd-Min-Position yet.",
        "creator_list has not caught up with that position yet; retry in a moment.",
    )
    UNAVAILABLE = (
        "unavailable",
        503,
        "A service that Goatherd needs is unreachable or overloaded.",
        "Goatherd is busy, or a service it needs is away; retry in a moment.",
    )
