"""Secrets: the key is in the request, and nowhere else."""

import logging
from urllib.parse import quote, quote_plus

import pytest
from structlog.testing import capture_logs

from domain.scrape.verdicts import Ok
from infra.http_out.request_notes import RequestNote, listening
from tests.kit.scripted_site import Answer, json_answer
from tests.workers.sources.providers.paid.building import KNOWN, NANNY, Paid


@pytest.mark.parametrize(
    "answer",
    (
        None,
        json_answer({"message": "no user"}),
        json_answer({"message": "{key} is not a key", "detail": "{key}"}, status=401),
        json_answer({"error": {"message": "token={key}&x"}}, status=400),
        json_answer({"detail": "GET /x?token={quoted}"}, status=500),
        Answer(status=302, headers={"Location": "https://evil.example/?t={key}"}),
        Answer(status=302, headers={"Location": "/apis/x?token={key}"}),
        Answer(body=b"<html>{key}</html>"),
        Answer(body=b'{"user": "{key}'),
    ),
)
def test_no_verdict_no_note_and_no_log_line_has_the_key(
    paid: Paid, caplog: pytest.LogCaptureFixture, answer: Answer | None
):
    if answer is None:
        paid.add(videos=1)
    else:
        body = answer.body.replace(b"{key}", paid.key.encode())
        body = body.replace(b"{quoted}", quote(paid.key, safe="").encode())
        headers = {k: v.replace("{key}", paid.key) for k, v in answer.headers.items()}
        paid.server.answers[paid.profile_path] = Answer(
            status=answer.status, headers=headers, body=body
        )
    notes: list[RequestNote] = []

    with (
        caplog.at_level(logging.DEBUG, logger="httpx"),
        caplog.at_level(logging.INFO, logger="httpcore"),
        capture_logs() as lines,
        listening(notes.append),
    ):
        verdict = paid.provider.creator_profiles(NANNY)
        listed = paid.provider.discover_videos(NANNY)

    assert isinstance(verdict, Ok) == (answer is None)
    shown = caplog.text + repr((verdict, listed, notes, lines, paid.provider.site))
    assert "HTTP Request" in shown
    for secret in (paid.key, quote(paid.key, safe=""), quote_plus(paid.key)):
        assert secret not in shown
    assert "127.0.0.1" in shown


def test_a_failure_s_traceback_does_not_show_the_key(paid: Paid):
    paid.limit(type(paid.provider.site.limits)(run_seconds=0.0))

    verdict = paid.provider.discover_videos(KNOWN)

    assert paid.key not in repr(verdict)
    assert paid.key not in repr(paid.provider)
