"""Both vendors' ends of *Send JSON event*, answering at once: a customer's profile, and 200 for an event.

Run as a program with the port to listen on.
"""

import sys

from aiohttp import web

TAKEN = {"result": {}, "meta": {"httpStatus": "200 - OK", "requestId": "bench"}}


async def profile(request: web.Request) -> web.Response:
    """A customer with a name and an address of their own."""
    customer = request.match_info["customer"]
    emails = [{"original": f"{customer}@bench.example"}]
    return web.json_response({"id": customer, "name": "Robin Meulen", "emails": emails})


async def event(request: web.Request) -> web.Response:
    """Take the event."""
    await request.read()
    return web.json_response(TAKEN)


async def well(_: web.Request) -> web.Response:
    """The sink is there."""
    return web.Response()


def main(port: int) -> None:
    """Listen until told to end."""
    application = web.Application()
    application.router.add_get("/health", well)
    application.router.add_get("/api/v1/customer-profiles/{customer}", profile)
    application.router.add_post("/inbound-event/v1/events/json/triggers", event)
    web.run_app(application, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
