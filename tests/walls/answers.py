"""The answers of tests/upgrade/questions.py on the demo's past."""

from tests.upgrade.questions import Ids, questions
from tests.walls.demo import Demo
from tests.walls.outline import body_lines

# Videos and scrapes of which there are questions about each.
_SOME = 6


def answers(demo: Demo) -> dict[str, list[str]]:
    """Return the answers over HTTP, by the questions with names in place of ids."""
    parts: dict[str, list[str]] = {}
    for question in questions(_ids(demo)):
        answer = demo.ask(question)
        parts[question] = [
            f"status {answer.status_code}, {answer.headers.get('ETag', 'no ETag')}",
            *body_lines(answer.text),
        ]
    return parts


def _ids(demo: Demo) -> Ids:
    of = demo.ids["creator_id"]
    videos = demo.rows(f"/videos?creator_id={of}&sort=posted_at&limit={_SOME}")
    history = [*demo.tenant.every(f"/creators/{of}/history")]
    return Ids(
        projects=demo.project_ids,
        creators=demo.creator_ids,
        videos=[row["id"] for row in videos],
        scrapes=[row["id"] for row in demo.rows(f"/scrapes?limit={_SOME}")],
        positions=(history[-1]["position"], history[0]["position"]),
        recorded_at=history[len(history) // 2]["recorded_at"],
    )
