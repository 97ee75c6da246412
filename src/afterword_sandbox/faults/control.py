"""``/_sandbox/faults``: set faults, look how often they struck, clear them."""

import msgspec
from aiohttp import web

from afterword_sandbox.api.fields import json_response, read_object
from afterword_sandbox.errors import not_found, refusal
from afterword_sandbox.faults.rules import AnyFault
from afterword_sandbox.sandbox import SANDBOX


def read_fault(said: object) -> AnyFault:
    """Read a fault; raises 400 that names the field."""
    try:
        fault: AnyFault = msgspec.convert(said, type=AnyFault)
    except msgspec.ValidationError as error:
        raise refusal(400, "invalid", f"not a fault: {error}") from None
    return fault


async def add(request: web.Request) -> web.Response:
    """Let a fault stand."""
    standing = request.app[SANDBOX].faults.add(read_fault(await read_object(request)))
    response = json_response(standing.wire())
    response.set_status(201)
    response.headers["Location"] = f"/_sandbox/faults/{standing.id}"
    return response


async def list_all(request: web.Request) -> web.Response:
    """List the faults with what each matched and struck."""
    return json_response([standing.wire() for standing in request.app[SANDBOX].faults.all()])


async def get(request: web.Request) -> web.Response:
    """Show one fault."""
    standing = request.app[SANDBOX].faults.get(request.match_info["fault_id"])
    if standing is None:
        raise not_found("fault")
    return json_response(standing.wire())


async def remove(request: web.Request) -> web.Response:
    """Clear one fault."""
    if not request.app[SANDBOX].faults.remove(request.match_info["fault_id"]):
        raise not_found("fault")
    return web.Response(status=204)


async def clear(request: web.Request) -> web.Response:
    """Clear all faults."""
    request.app[SANDBOX].faults.clear()
    return web.Response(status=204)


ROUTES: tuple[web.RouteDef, ...] = (
    web.post("/_sandbox/faults", add),
    web.get("/_sandbox/faults", list_all, allow_head=False),
    web.delete("/_sandbox/faults", clear),
    web.get("/_sandbox/faults/{fault_id}", get, allow_head=False),
    web.delete("/_sandbox/faults/{fault_id}", remove),
)
