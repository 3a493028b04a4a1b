"""The floor of the scrape path: Dramatiq workers whose actor does nothing at all."""

import os

import dramatiq

from workers.broker import connect_broker

QUEUE = "noops"
ACTOR = "do_nothing"


def set_up() -> None:
    """Give Dramatiq the same kind of broker as Goatherd's workers have."""
    broker = connect_broker(os.environ["GOATHERD_REDIS_URL"])

    @dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=QUEUE)
    def _() -> None:
        pass

    dramatiq.set_broker(broker)
