"""The rules that every organization has from the start."""

from typing import Final
from uuid import UUID

from domain.alert.commands import MakeAlertRule
from domain.alert.conditions import CONDITIONS, Condition, ConditionType, completed
from domain.alert.events import AlertRuleMade, AlertScope
from domain.streams import built_in_alert_rule

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR
# Name, minutes that the condition must hold, and minutes of rest after an alert.
_RULES: Final[dict[ConditionType, tuple[str, int, int]]] = {
    "creator_disabled": ("Creator disabled", 0, 0),
    "identity_changed": ("Another account behind a handle", 0, 0),
    "stopped_posting": ("Stopped posting", 0, 0),
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
# The rule that tells of creators who stopped posting watched a fixed number of days at
# first. Its id follows from that name, so that it keeps its settings and its alerts.
_FIRST_NAMES: Final[dict[ConditionType, ConditionType]] = {
    "stopped_posting": "no_post_for_days",
}
_FIRST_CONDITION: Final = Condition(type="no_post_for_days", days=7)


def built_in_rules(organization_id: UUID) -> dict[UUID, MakeAlertRule]:
    """Return these rules of an organization by their ids, as if somebody made them.

    Their alerts are shown in Goatherd alone.
    """
    return {
        built_in_alert_rule(organization_id, key): MakeAlertRule(
            organization_id=organization_id,
            built_in=key,
            name=name,
            scope=AlertScope(type="org"),
            condition=completed(Condition(type=kind)),
            for_minutes=for_minutes,
            cool_down_minutes=rest,
        )
        for kind, (name, for_minutes, rest) in _RULES.items()
        for key in (_FIRST_NAMES.get(kind, kind),)
    }


def condition_of_today(made: AlertRuleMade) -> Condition:
    """Return the condition of a rule that was made, as it is meant today.

    The first change of a rule that comes with Goatherd stored its condition of that
    time as well, also where somebody changed its channels alone.
    """
    if made.built_in == "no_post_for_days" and made.condition == _FIRST_CONDITION:
        return Condition(type="stopped_posting")
    return made.condition


# A fixed number of days is for rules of one's own.
assert _RULES.keys() == CONDITIONS.keys() - {"no_post_for_days"}
