"""The events of alert rules and of alerts: one stream for each of both."""

from datetime import datetime
from typing import ClassVar, Final, Literal
from uuid import UUID

import msgspec

from domain.alert.conditions import AlertSubjectType, Condition, ScopeType
from domain.messages import Event, Personal, Severity
from domain.texts import EarlierTextsForgotten

AlertEnd = Literal["over", "rule_ended"]
# Alerts are shown at the bell, and sent to channels; these are named by their ids.
IN_APP_CHANNEL: Final = "in_app"
IN_APP: Final[tuple[str, ...]] = (IN_APP_CHANNEL,)


class AlertScope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The things that a rule watches; without ``id`` it is the whole organization."""

    type: ScopeType
    id: UUID | None = None


class AlertEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The reasons of an alert, by which it can be checked.

    ``value`` is the number that was compared with ``limit``, and ``usual`` what is
    usual for the creator: the median of the new views of the known days before, the
    followers some days before, or the median days between two posts. The value is
    ``distance`` robust standard deviations away from what is usual. ``video_ids`` and
    ``scrape_ids`` are videos and scrapes, and ``positions`` those of their events in
    the log.
    """

    value: float | None = None
    limit: float | None = None
    usual: float | None = None
    distance: float | None = None
    video_ids: tuple[UUID, ...] = ()
    scrape_ids: tuple[UUID, ...] = ()
    positions: tuple[int, ...] = ()


class AlertRuleFields(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    built_in: str | None = None
    name: Personal[str]
    scope: AlertScope
    condition: Condition
    for_minutes: int = 0
    cool_down_minutes: int = 0
    channels: tuple[str, ...] = IN_APP
    enabled: bool = True


class AlertRuleMade(AlertRuleFields, Event, frozen=True, kw_only=True):
    """Somebody made a rule, or changed one that comes with Goatherd for the first time.

    ``built_in`` is the name of the latter, null for a rule of the organization's own.
    """

    stored_name: ClassVar[str] = "alert_rule_made"


class AlertRuleChanged(Event, frozen=True, kw_only=True):
    """The rule changed; unset fields stay as they were."""

    stored_name: ClassVar[str] = "alert_rule_changed"
    organization_id: UUID
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    scope: AlertScope | msgspec.UnsetType = msgspec.UNSET
    condition: Condition | msgspec.UnsetType = msgspec.UNSET
    for_minutes: int | msgspec.UnsetType = msgspec.UNSET
    cool_down_minutes: int | msgspec.UnsetType = msgspec.UNSET
    channels: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class AlertRuleRemoved(Event, frozen=True, kw_only=True):
    """The rule is gone, and opens no alert any more."""

    stored_name: ClassVar[str] = "alert_rule_removed"
    organization_id: UUID


AlertRuleEvent = (
    AlertRuleMade | AlertRuleChanged | AlertRuleRemoved | EarlierTextsForgotten
)


class AlertPending(Event, frozen=True, kw_only=True):
    """The condition of a rule holds for a subject, and not yet for long enough.

    ``subject_key`` identifies the subject: the id of a creator or video, or the name of
    a source, a limit or a read model. The condition holds since ``since``.
    """

    stored_name: ClassVar[str] = "alert_pending"
    organization_id: UUID
    rule_id: UUID
    condition: Condition
    subject_type: AlertSubjectType
    subject_key: str
    creator_id: UUID | None = None
    project_id: UUID | None = None
    severity: Severity
    since: datetime
    evidence: AlertEvidence


class AlertOpened(Event, frozen=True, kw_only=True):
    """The condition of a rule holds for long enough: the alert fires.

    The fields mean the same as those of ``alert_pending``.
    """

    stored_name: ClassVar[str] = "alert_opened"
    organization_id: UUID
    rule_id: UUID
    condition: Condition
    subject_type: AlertSubjectType
    subject_key: str
    creator_id: UUID | None = None
    project_id: UUID | None = None
    severity: Severity
    since: datetime
    evidence: AlertEvidence


class AlertSeverityChanged(Event, frozen=True, kw_only=True):
    """A firing alert became worse or better, with new evidence."""

    stored_name: ClassVar[str] = "alert_severity_changed"
    organization_id: UUID
    creator_id: UUID | None = None
    old: Severity
    new: Severity
    evidence: AlertEvidence


class AlertAcknowledged(Event, frozen=True, kw_only=True):
    """Somebody has seen the alert and cares for it."""

    stored_name: ClassVar[str] = "alert_acknowledged"
    organization_id: UUID


class AlertSnoozed(Event, frozen=True, kw_only=True):
    """The alert is not to be shown as new until a time."""

    stored_name: ClassVar[str] = "alert_snoozed"
    organization_id: UUID
    until: datetime


class AlertResolved(Event, frozen=True, kw_only=True):
    """The condition no longer holds, or the rule no longer applies.

    ``at`` is the time at which that was found, and ``has_fired`` is false if the alert
    was pending until then. The other fields are those of the alert, for readers of this
    event alone.
    """

    stored_name: ClassVar[str] = "alert_resolved"
    organization_id: UUID
    rule_id: UUID
    condition: Condition
    subject_type: AlertSubjectType
    subject_key: str
    creator_id: UUID | None = None
    project_id: UUID | None = None
    at: datetime
    has_fired: bool
    end: AlertEnd


AlertEvent = (
    AlertPending
    | AlertOpened
    | AlertSeverityChanged
    | AlertAcknowledged
    | AlertSnoozed
    | AlertResolved
)
