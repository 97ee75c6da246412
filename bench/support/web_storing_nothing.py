"""The web half as it is in production, with one more route, which takes a JSON event and stores nothing.

That route tells how fast the server is by itself: it reads and parses the body as the real one does, and gives the
same answer. It asks for no token, looks nothing up and keeps nothing.
"""

import functools

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import State

from afterword import process, web
from afterword.intake.json_bodies import read_json_object
from afterword.intake.json_events import LARGEST_BODY
from afterword.qualtrics import envelope

PATH = "/bench/stores-nothing"


@post(PATH, request_max_body_size=LARGEST_BODY, status_code=200)
async def store_nothing(request: Request[object, object, State]) -> Response[bytes]:
    """Parse and answer."""
    read_json_object(await request.body())
    return Response(msgspec.json.encode(envelope.success()), status_code=200, media_type="application/json")


if __name__ == "__main__":
    raise SystemExit(process.main(functools.partial(web.serve, more_routes=[store_nothing])))
