"""The commands to alert rules and alerts."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.alert.conditions import AlertSubjectType, Condition
from domain.alert.events import (
    AlertEnd,
    AlertEvidence,
    AlertRuleFields,
    AlertScope,
)
from domain.messages import Command


class MakeAlertRule(AlertRuleFields, Command, frozen=True, kw_only=True):
    pass


class ChangeAlertRule(Command, frozen=True, kw_only=True):
    name: str | msgspec.UnsetType = msgspec.UNSET
    scope: AlertScope | msgspec.UnsetType = msgspec.UNSET
    condition: Condition | msgspec.UnsetType = msgspec.UNSET
    for_minutes: int | msgspec.UnsetType = msgspec.UNSET
    cool_down_minutes: int | msgspec.UnsetType = msgspec.UNSET
    channels: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class RemoveAlertRule(Command, frozen=True, kw_only=True):
    pass


AlertRuleCommand = MakeAlertRule | ChangeAlertRule | RemoveAlertRule


class ReportCondition(Command, frozen=True, kw_only=True):
    """The condition of a rule holds for a subject at ``now``."""

    organization_id: UUID
    rule_id: UUID
    condition: Condition
    for_minutes: int
    subject_type: AlertSubjectType
    subject_key: str
    creator_id: UUID | None = None
    project_id: UUID | None = None
    since: datetime
    evidence: AlertEvidence
    now: datetime


class AcknowledgeAlert(Command, frozen=True, kw_only=True):
    pass


class SnoozeAlert(Command, frozen=True, kw_only=True):
    until: datetime


class ResolveAlert(Command, frozen=True, kw_only=True):
    end: AlertEnd
    now: datetime


AlertCommand = ReportCondition | AcknowledgeAlert | SnoozeAlert | ResolveAlert
