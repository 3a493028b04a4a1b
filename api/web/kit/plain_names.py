"""The API's messages in the words of pages: fields are named as forms name them."""

import re

from api.http.errors import FieldProblem

# Names that do not become plain by their blanks alone.
_NAMES = {
    "add": "the tags to add",
    "base_metric": "the metric that grows",
    "create_creators": "the choice to track them, too",
    "creator_ids": "the creators",
    "creator_profiles": "the hours between scrapes of profiles",
    "display_name": "the display name",
    "ends_on": "the last day",
    "entity_id": "the creator, project, campaign or video",
    "entity_ids": "the creators, projects, campaigns or videos",
    "expires_at": "the last day",
    "growth_rate_pop": "the growth",
    "hand_over": "the things to hand over",
    "last_day": "the last day of the file",
    "observed_at": "the time of the numbers",
    "posted_from": "the first day of posting",
    "posted_to": "the last day of posting",
    "skip_bad_lines": "the choice to leave out wrong lines",
    "starts_on": "the first day",
    "target_at": "the day of the target",
    "target_scope": "the views that count for the target",
    "target_views": "the views to reach",
    "tiktok_handle": "the handle",
    "tiktok_video_id": "the video",
    "time_zone": "the time zone",
    "tracking_end_date": "the last day",
    "tracking_mode": "the treatment of new videos",
    "tracking_start_date": "the first day",
    "video_url": "the address of the video",
}
_DAYS = "The last day must not be before the first day"
_SENTENCES = (
    (r"(?:ends_on )?must not be before starts_on", _DAYS),
    (r"(?:tracking_end_date )?must not be before tracking_start_date", _DAYS),
    (
        r"'.*' is no time zone; choose one such as Europe/Berlin",
        "Choose a time zone from the list, such as Europe/Berlin",
    ),
    # The values are those of the API; the page offers its own.
    (r"(.*[Mm]ust be one of) .*\w_\w.*", r"\1 the choices of the page"),
)
# Texts in quotes and handles belong to people.
_NAME = re.compile(r"""'[^']*'|"[^"]*"|@\S+|/\S+|\b[a-z]+(?:_[a-z0-9]+)+\b""")


def field_label(name: str) -> str:
    """Return the label of a field of the API: First day for starts_on."""
    if not name:
        return "The form"
    words = _NAMES.get(name, name.replace("_", " ")).removeprefix("the ")
    return words[:1].upper() + words[1:]


def plain_names(message: str) -> str:
    """Return a message of the API without the API's names."""
    text = message.rstrip(".")
    for pattern, sentence in _SENTENCES:
        if matched := re.fullmatch(pattern, text, re.DOTALL):
            text = matched.expand(sentence)
    plain = _NAME.sub(_plain_name, text)
    if not text[:1].islower() or plain == text:
        begun = plain
    else:
        begun = plain[:1].upper() + plain[1:]
    return f"{begun}." if message.endswith(".") else begun


def plain_problem(problem: FieldProblem) -> FieldProblem:
    # Forms end the sentence themselves.
    return FieldProblem(problem.path, plain_names(problem.message).rstrip("."))


def _plain_name(found: re.Match[str]) -> str:
    text = found[0]
    if not text[0].isalpha():
        return text
    return _NAMES.get(text, text.replace("_", " "))
