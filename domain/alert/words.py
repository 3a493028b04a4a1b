"""Alerts in words: the evidence, and the names of things that are no creators."""

from domain.alert.conditions import ConditionType
from domain.alert.events import AlertEvidence
from domain.phrases import counted
from domain.written import number, percent_shortly


def evidence_in_words(evidence: AlertEvidence, type_: ConditionType) -> str:
    """Return the number that was compared with the limit; empty if there is none."""
    value = evidence.value
    if value is None:
        return ""
    match type_:
        case "stopped_posting":
            usual = number(evidence.usual)
            return f"{number(value)} days without a post, usually {usual}"
        case "no_post_for_days":
            return f"{number(value)} days without a post"
        case "creator_not_seen":
            return f"{number(value)} intervals without a look"
        case "views_spike" | "views_drop":
            return f"{number(value)} views, usually {number(evidence.usual)}"
        case "followers_drop_percent":
            return f"{percent_shortly(value)} lost of {number(evidence.usual)}"
        case "over_posting":
            low = number(len(evidence.video_ids))
            return f"{number(value)} posts, {low} of them with few views"
        case "limit_near" | "budget_near":
            return f"{percent_shortly(value)} used"
        case "backup_old":
            return f"{number(value)} days without a backup"
        case "source_failing":
            return f"{percent_shortly(value)} failed"
        case "log_check_failed":
            return counted(int(value), "misfit")
        case _:
            return ""


def limit_in_words(name: str) -> str:
    """Return the name of a limit of a plan, such as Creators."""
    words = name.removeprefix("max_").removesuffix("_per_org").replace("_", " ")
    return words.capitalize().replace("Api", "API")
