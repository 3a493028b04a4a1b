"""The rules that every organization has from the start."""

from typing import Final
from uuid import UUID

from domain.alert.commands import MakeAlertRule
from domain.alert.conditions import CONDITIONS, Condition, ConditionType, completed
from domain.alert.events import AlertScope
from domain.streams import built_in_alert_rule

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR
# Name, minutes that the condition must hold, and minutes of rest after an alert.
_RULES: Final[dict[ConditionType, tuple[str, int, int]]] = {
    "creator_disabled": ("Creator disabled", 0, 0),
    "identity_changed": ("Another account behind a handle", 0, 0),
    "no_post_for_days": ("Stopped posting", 0, 0),
    "creator_not_seen": ("Not seen for long", 0, _HOUR),
    "views_spike": ("Views jumped", 0, _DAY),
    "views_drop": ("Views fell", 0, _DAY),
    "followers_drop_percent": ("Lost followers", 0, _DAY),
    "over_posting": ("Posting too much", 0, _DAY),
    "video_unavailable": ("Video gone", _HOUR, 0),
    "limit_near": ("Plan nearly used up", 0, _DAY),
    "source_failing": ("Source fails", 15, _HOUR),
    "import_failed": ("Import failed", 0, 0),
    "budget_near": ("Budget of a source nearly used up", 0, _DAY),
    "projection_stalled": ("Read model stalled", 5, _HOUR),
    "backup_old": ("Backup is old", 0, _DAY),
    "log_check_failed": ("Check of the log failed", 0, 0),
}


def built_in_rules(organization_id: UUID) -> dict[UUID, MakeAlertRule]:
    """Return these rules of an organization by their ids, as if somebody made them.

    Their alerts are shown in Goatherd alone.
    """
    return {
        built_in_alert_rule(organization_id, kind): MakeAlertRule(
            organization_id=organization_id,
            built_in=kind,
            name=name,
            scope=AlertScope(type="org"),
            condition=completed(Condition(type=kind)),
            for_minutes=for_minutes,
            cool_down_minutes=rest,
        )
        for kind, (name, for_minutes, rest) in _RULES.items()
    }


assert _RULES.keys() == CONDITIONS.keys()
