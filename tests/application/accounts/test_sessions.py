"""Rows of sessions: outdated ones are deleted, whoever comes next."""

from uuid import UUID

from application.accounts.operators import register
from application.accounts.sessions import begin_session
from infra.eventstore.store import Store
from tests.kit.builders import asking


def test_a_sign_in_deletes_the_outdated_sessions_of_everybody(
    store: Store, owner: UUID
):
    ben = register(store, name="Ben", email="ben@example.com", context=asking())
    with store.pool.connection() as connection:
        ((organization_id,),) = connection.execute(
            "SELECT organization_id FROM organizations"
        ).fetchall()

        def begin(person_id: UUID) -> None:
            begin_session(
                connection.cursor(),
                person_id=person_id,
                organization_id=organization_id,
                address="",
                browser="",
            )

        begin(owner)
        connection.execute(
            "UPDATE person_sessions SET last_used_at = now() - interval '15 days'"
        )
        begin(ben)

        left = connection.execute("SELECT person_id FROM person_sessions").fetchall()
        assert left == [(ben,)]
