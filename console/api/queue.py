"""The queue: how much is due, since when, who works, and what failed."""

from __future__ import annotations

from console.access import caller
from console.api import schemas
from console.api.blueprint import ApiBlueprint
from console.queue_view import queue_shape
from console.services import services
from console.shapes import Shape

blueprint = ApiBlueprint("queue", __name__, description="What is due, and who works on it")


@blueprint.reads("/queue")
@blueprint.gives(200, schemas.Queue, "The queue now")
def show_queue() -> Shape:
    """Depth, oldest age, workers, failed jobs, and each company's budget"""
    ours = services()
    return queue_shape(ours.database, ours.redis, ours.budget, keys=caller().companies)
