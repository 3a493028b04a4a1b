"""Summaries: an event or a milestone in one plain sentence for people."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import assert_never
from uuid import UUID

from msgspec import UNSET, UnsetType

from domain import events as e
from domain.alert.sentences import sentence as sentence_of_rule
from domain.analytics.milestones import Milestone
from domain.analytics.summaries.outliers import take_off_in_words
from domain.campaign.sentences import sentence
from domain.channel.sentences import sentence as sentence_of_channel
from domain.messages import ConnectionEnd, DisabledReason
from domain.organization.sentences import sentence as sentence_of_organization
from domain.organization.sentences import sentence_of_oneself
from domain.person.sentences import sentence as sentence_of_sign_in
from domain.phrases import counted, joined
from domain.report.sentences import sentence as sentence_of_report
from domain.share.sentences import sentence as sentence_of_share
from domain.webhook.sentences import sentence as sentence_of_webhook

SummarizedEvent = (
    e.CreatorEvent | e.ScrapeEvent | e.VideoEvent | e.CampaignEvent | e.MembershipEvent
)
AuditedEvent = (
    e.OrganizationEvent
    | e.WebhookEvent
    | e.ChannelEvent
    | e.PersonSignedIn
    | e.SignInMethodChanged
    | e.SubjectErased
    | e.AlertRuleMade
    | e.AlertRuleChanged
    | e.AlertRuleRemoved
    | e.CampaignCreated
    | e.CampaignDetailsChanged
    | e.CampaignTargetChanged
    | e.CampaignDeleted
    | e.ShareMade
    | e.ShareChanged
    | e.ShareRevoked
    | e.ReportMade
    | e.ReportChanged
    | e.RecipientUnsubscribed
    | e.ReportRemoved
)

# The actor of what follows from other events without a person.
_ITSELF = "Goatherd"
_ACTORS = {
    "schedule": "the schedule",
    "cli": "the command line",
    "directory": "the directory",
    "invited": "the invited person",
    "up": "the setup",
    "policy:alerts": "the alert rules",
    "policy:auto_disable": _ITSELF,
    "policy:discovery": _ITSELF,
    "policy:restore": "a restore of older data",
    "policy:retention": "the retention of removed creators",
    "policy:invitations": "the end of old invitations",
    "policy:missing": _ITSELF,
    "policy:took_off": _ITSELF,
    "policy:targets": _ITSELF,
    "policy:window": _ITSELF,
    "webhooks": "the delivery of webhooks",
}
# The fate of new videos, by the tracking mode.
_NEW_VIDEOS: Mapping[e.TrackingMode, str] = {
    "auto": "included at once",
    "selective": "reviewed first",
}
# The things that a scrape reads, by the kind of scrape.
SCRAPED: Mapping[e.JobType, str] = {
    "creator_profiles": "the profile",
    "discover_videos": "new videos",
    "video_stats": "video figures",
}
# How a scrape ended, as the end of a sentence.
OUTCOMES: Mapping[e.Outcome, str] = {
    "ok": "ok",
    "not_found": "no such account was found",
    "private": "the account is private",
    "unavailable": "the account is not available",
    "blocked": "the source refused the scrape",
    "rate_limited": "too many requests were sent",
    "transient": "it failed for a passing reason",
    "schema_changed": "the answer had an unknown format",
    "identity_changed": "another account has the handle now",
    "not_in_recording": "the recording does not have it, and TikTok was not asked",
}
# Why a creator is not scraped any more.
WHY_DISABLED: Mapping[DisabledReason, str] = {
    **OUTCOMES,
    "duplicate_account": "it is the same account as another creator",
}
_REASONS: dict[e.Trigger, str] = {
    "added": "because the creator was added",
    "reactivated": "because the creator came back",
    "renamed": "because the creator was renamed",
    "reenabled": "because the creator was re-enabled",
    "connected": "because the creator connected their account",
    "imported": "to import a recording",
}
_METHODS: Mapping[str, str] = {
    "password": "a password",
    "codes": "a password and a one-time code",
    "recovery": "a password and a recovery code",
    "passkey": "a passkey",
    "oidc": "an OpenID provider",
    "link": "a link",
}
# The ends of sentences about ended connections.
_WHY_ENDED: Mapping[ConnectionEnd, str] = {
    "expired": "because TikTok refuses the stored consent",
    "revoked_there": "because the creator withdrew their consent at TikTok",
    "revoked_here": "as decided here",
    "scope_missing": "because the creator allows too little",
}
# The status of a video that a scrape found, or that came into the tracking window.
_FOUND: dict[e.TrackingStatus, str] = {
    "auto_tracked": " and included",
    "pending_review": " and put into the inbox",
    "out_of_window": " outside the tracking window",
}
_CAME_IN: dict[e.TrackingStatus, str] = {
    "auto_tracked": " and is included",
    "pending_review": " and waits in the inbox",
}


def actor_label(actor: str, names: Mapping[UUID, str]) -> str:
    """Return a label for an actor; ``names`` has the names of API keys and people.

    A person without a name was erased.
    """
    kind, _, name = actor.partition(":")
    id_ = actor_id(actor)
    if id_ is not None and kind == "person":
        return names.get(id_, "an erased person")
    if id_ is not None:
        known = names.get(id_)
        return "a key" if known is None else f"key {known}"
    return f"the worker ({name})" if kind == "worker" else _ACTORS.get(actor, actor)


def actor_id(actor: str) -> UUID | None:
    """Return the id of the API key or person in an actor, None if it is neither."""
    kind, _, name = actor.partition(":")
    if kind not in {"key", "person"}:
        return None
    try:
        return UUID(name)
    except ValueError:
        return None


def summary(
    event: SummarizedEvent,
    *,
    by: str,
    video: str | None = None,
    item: str | None = None,
) -> str:
    """Return a sentence for an event.

    ``video`` is the TikTok id of the event's video. ``item`` is the name of the other
    thing in the event: the item that a campaign got or lost, the campaign that an item
    joined or left, or the creator of which the event's creator is a duplicate.
    """
    if isinstance(event, e.VideoEvent):
        return f"{_of_a_video(event, video or 'unknown')} by {by}."
    match event:
        case e.ProfileSnapshotRecorded():
            return f"{_profile(event)}."
        case e.VideoStatsSnapshotRecorded():
            return f"Figures of {counted(len(event.video_ids), 'video')} seen."
        case e.ScrapeSucceeded():
            return f"{_succeeded(event)}."
        case e.ScrapeFailed():
            return _failed(event)
        case e.ScrapeRequested():
            why = _REASONS.get(event.trigger)
            requested = f"Scrape of {SCRAPED[event.job_type]} asked for by {by}"
            return f"{requested}, {why}." if why else f"{requested}."
        case (
            e.CampaignCreated()
            | e.CampaignDetailsChanged()
            | e.CampaignTargetChanged()
            | e.CampaignTargetReached()
            | e.CampaignTargetMissed()
            | e.CampaignItemAdded()
            | e.CampaignItemRemoved()
            | e.CampaignDeleted()
            | e.EarlierTextsForgotten()
            | e.CampaignJoined()
            | e.CampaignLeft()
        ):
            return f"{sentence(event, item=item or 'an item')} by {by}."
        case _:
            return f"{of_a_creator(event, first=item)} by {by}."


def audit_summary(
    event: AuditedEvent, *, by: str, item: str, is_own: bool = False
) -> str:
    """Return a sentence for an event of an organization itself.

    ``item`` is the present name of the thing or person that the event is about.
    ``is_own`` says that the person did it themselves.
    """
    match event:
        case e.SignInMethodChanged():
            who = "themselves" if is_own else by
            return f"{sentence_of_sign_in(event, item=item)} by {who}."
        case _ if is_own:
            return f"{sentence_of_oneself(event, item=item)}."
        case e.PersonSignedIn(method=method):
            return f"{_capital(by)} signed in with {_METHODS.get(method, method)}."
        case e.SubjectErased() | e.EarlierTextsForgotten():
            return summary(event, by=by)
        case e.AlertRuleMade() | e.AlertRuleChanged() | e.AlertRuleRemoved():
            return f"{sentence_of_rule(event, item=item)} by {by}."
        case (
            e.CampaignCreated()
            | e.CampaignDetailsChanged()
            | e.CampaignTargetChanged()
            | e.CampaignDeleted()
        ):
            said = sentence(event, item="")
            return f"Campaign {item}: {said[:1].lower()}{said[1:]} by {by}."
        case e.ShareMade() | e.ShareChanged() | e.ShareRevoked():
            return f"{sentence_of_share(event)} by {by}."
        case (
            e.ReportMade()
            | e.ReportChanged()
            | e.RecipientUnsubscribed()
            | e.ReportRemoved()
        ):
            return f"{sentence_of_report(event)} by {by}."
        case (
            e.WebhookCreated()
            | e.WebhookChanged()
            | e.WebhookEnabled()
            | e.WebhookDisabled()
            | e.WebhookSecretRotated()
            | e.WebhookReplayRequested()
            | e.WebhookRemoved()
        ):
            return f"{sentence_of_webhook(event, item=item)} by {by}."
        case e.ChannelAdded() | e.ChannelChanged() | e.ChannelRemoved():
            return f"{sentence_of_channel(event, item=item)} by {by}."
        case _:
            return f"{sentence_of_organization(event, item=item)} by {by}."


def milestone_summary(
    milestone: Milestone, *, is_rounded: bool = False, is_sharpened: bool = False
) -> str:
    """Return a sentence for a milestone of followers.

    ``is_rounded`` says that the observation is rounded, ``is_sharpened`` that the
    observation made a rounded number exact.
    """
    followers = milestone.observation.followers
    seen = f"Passed {milestone.number:,} followers, with {followers:,} seen"
    if is_rounded:
        return f"{seen} (rounded)."
    if is_sharpened:
        return f"{seen}, when a rounded number became exact."
    return f"{seen}."


def of_a_creator(event: e.CreatorEvent, *, first: str | None = None) -> str:
    """Return the sentence of an event of a creator, without its actor.

    ``first`` names the creator of which this one is a duplicate.
    """
    match event:
        case e.CreatorAdded():
            tagged = f"{_tagged(event.tags)}," if event.tags else ","
            return f"Added as @{event.handle}, {_tracking(event)}{tagged}"
        case e.HandleChanged(old=old, new=new):
            return f"Renamed from @{old} to @{new}"
        case e.CreatorDetailsChanged():
            return _details(event)
        case e.TrackingModeChanged(old=old, new=new):
            return f"New videos changed from {_NEW_VIDEOS[old]} to {_NEW_VIDEOS[new]}"
        case e.TrackingWindowChanged():
            start, end = event.tracking_start_date, event.tracking_end_date
            return f"Tracking window changed: {_window(start, end)},"
        case e.CreatorMoved(history=history):
            moved = "Moved to another project"
            stays = "; its numbers until then stay,"
            return moved + stays if history == "stay" else moved
        case e.CreatorRemoved():
            return "Removed"
        case e.CreatorReactivated():
            return f"Brought back, {_tracking(event)},"
        case e.CreatorAutoDisabled(verdict="duplicate_account") if first:
            return f"Disabled, because it is the same account as {first},"
        case e.CreatorAutoDisabled(verdict=verdict):
            return f"Disabled, because {WHY_DISABLED[verdict]},"
        case e.CreatorContactChanged(has_address=has_address):
            return f"Contact address {'set' if has_address else 'removed'}"
        case e.CreatorOptedOut():
            return "Opted out of mails"
        case e.CreatorDisabled():
            return "Disabled"
        case e.CreatorReenabled():
            return "Re-enabled"
        case e.CreatorConnected():
            return "Connected: the creator allows us to read their account,"
        case e.CreatorConnectionLost(reason=reason):
            return f"Connection ended, {_WHY_ENDED[reason]},"
        case e.SubjectErased(figures=figures):
            numbers = "stay without a name" if figures == "anonymous" else "are gone"
            return f"Erased: the figures {numbers},"
        case _:
            assert_never(event)


def _of_a_video(event: e.VideoEvent, video: str) -> str:
    match event:
        case e.VideoDiscovered(tracking_status=status):
            return f"Video {video} found{_FOUND.get(status, '')}"
        case e.VideoAdded(tags=tags):
            return f"Video {video} added{_tagged(tags)}"
        case e.VideoCameIntoWindow(tracking_status=status):
            came = f"Video {video} came into the tracking window"
            return f"{came}{_CAME_IN.get(status, '')},"
        case e.VideoIncluded():
            return f"Video {video} included"
        case e.VideoExcluded():
            return f"Video {video} removed"
        case e.VideoPutBack():
            return f"Video {video} put back into the inbox"
        case e.VideoTrackingDisabled():
            return f"Video {video} excluded"
        case e.VideoDetailsChanged():
            details = f"Details of video {video} changed"
            if event.tags is UNSET:
                return details
            if event.description is event.readme is event.metadata is UNSET:
                return _capital(_tags(event.tags, of=f" of video {video}"))
            return f"{details}, {_tags(event.tags)}"
        case e.VideoWentMissing(missing_since=since):
            day = since.date().isoformat()
            return f"Video {video} reported missing since {day}"
        case e.VideoTookOff():
            views = take_off_in_words(
                event.views, age_days=event.age_days, factor=event.outlier_factor
            )
            return f"Video {video} reported as taking off ({views})"
        case e.VideoMerged():
            return f"Video {video}, added by its URL, merged with the creator's"
        case _:
            assert_never(event)


def _details(event: e.CreatorDetailsChanged) -> str:
    changes: list[str] = []
    if isinstance(event.display_name, str):
        changes.append(f'display name set to "{event.display_name}"')
    texts = {"description": event.description, "readme": event.readme}
    if event.display_name is None:
        texts = {"display name": None, **texts}
    changes += [
        f"{name} {'cleared' if text is None else 'changed'}"
        for name, text in texts.items()
        if not isinstance(text, UnsetType)
    ]
    if event.metadata is not UNSET:
        changes.append("metadata changed")
    if event.tags is not UNSET:
        changes.append(_tags(event.tags))
    return _capital(joined(changes))


def _tags(tags: list[str], *, of: str = "") -> str:
    return f"tags{of} set to {', '.join(tags)}" if tags else f"tags{of} cleared"


def _tagged(tags: list[str]) -> str:
    return f", tagged {', '.join(tags)}" if tags else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tracking(event: e.CreatorAdded | e.CreatorReactivated) -> str:
    start, end = event.tracking_start_date, event.tracking_end_date
    window = "" if start is end is None else f"tracked {_window(start, end)}, "
    return f"{window}with new videos {_NEW_VIDEOS[event.tracking_mode]}"


def _window(start: date | None, end: date | None) -> str:
    if start is None:
        return "any time" if end is None else f"until {end}"
    return f"from {start} on" if end is None else f"from {start} until {end}"


def _profile(event: e.ProfileSnapshotRecorded) -> str:
    counts = {
        "followers": event.follower_count,
        "following": event.following_count,
        "likes": event.total_likes_count,
        "videos": event.video_count,
    }
    stated = [
        f"{count:,} {name.removesuffix('s') if count == 1 else name}"
        for name, count in counts.items()
        if count is not None
    ]
    if not stated:
        return "Profile seen, without figures"
    rounded = " (rounded)" if event.precision == "rounded" else ""
    return f"Profile seen with {joined(stated)}{rounded}"


def _succeeded(event: e.ScrapeSucceeded) -> str:
    results = ["the profile seen"] if event.profile_observed else []
    if event.videos_observed:
        results.append(f"{counted(event.videos_observed, 'video')} seen")
    if event.missing_video_ids:
        results.append(f"{counted(len(event.missing_video_ids), 'video')} found gone")
    found = f": {joined(results)}" if results else ""
    tries = f" at attempt {event.attempts}" if event.attempts > 1 else ""
    partly = " (not all videos were listed)" if event.listed == "partial" else ""
    # Sources that were tried later may have listed fewer videos.
    by = f" by {event.provider}, besides {_named(event.tried)}" if event.tried else ""
    scrape = f"Scrape of {SCRAPED[event.job_type]}"
    return f"{scrape} succeeded{tries}{by}{found}{partly}"


def _named(tried: Sequence[e.TriedSource]) -> str:
    return joined([f"{each.provider} ({each.outcome})" for each in tried])


def _failed(event: e.ScrapeFailed) -> str:
    verdict = f" as {event.outcome}" if event.outcome else ""
    tries = f" after {counted(event.attempts, 'attempt')}" if event.attempts else ""
    besides = f", besides {_named(event.tried)}" if event.tried else ""
    scrape = f"Scrape of {SCRAPED[event.job_type]}"
    return f"{scrape} failed{verdict}{tries}{besides}: {event.error}"
