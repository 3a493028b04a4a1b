import pytest

from domain import commands as c
from domain import events as e
from domain.creator.handle_ban import decide, evolve
from tests.kit.scenario import Scenario

BAN = c.BanHandle(handle="ada", reason="eats the hedge")
UNBAN = c.UnbanHandle(handle="ada")
BANNED = e.HandleBanned(handle="ada", reason="eats the hedge")
UNBANNED = e.HandleUnbanned(handle="ada")


@pytest.fixture
def scenario() -> Scenario[bool, c.BanHandle | c.UnbanHandle, e.BanEvent]:
    return Scenario(decide, evolve, nothing=False)


@pytest.mark.parametrize("history", ((), (BANNED, UNBANNED)))
def test_a_handle_is_banned_with_the_reason(
    scenario: Scenario, history: tuple[e.BanEvent, ...]
):
    scenario.given(*history).when(BAN).then(BANNED)


def test_a_banned_handle_is_not_banned_again(scenario: Scenario):
    scenario.given(BANNED).when(BAN).then_nothing()


def test_a_ban_is_lifted(scenario: Scenario):
    scenario.given(BANNED).when(UNBAN).then(UNBANNED)


@pytest.mark.parametrize("history", ((), (BANNED, UNBANNED)))
def test_where_there_is_no_ban_none_is_lifted(
    scenario: Scenario, history: tuple[e.BanEvent, ...]
):
    scenario.given(*history).when(UNBAN).then_nothing()
