"""A client of one challenge that was not written here: python-socketio, and the documented protocol.

usage: client.py URL websocket|polling CHALLENGE_ID   (the token comes in TOKEN)

Says each thing that happens as a line of JSON. Reconnecting is python-socketio's business; the cursor, and the rule by which an
event is handled, dropped or answered with another join, are written from the protocol's page. The asyncio client, since the other
one handles each message in a thread of its own, so in no order.
"""

import asyncio
import json
import os
import sys

import socketio

EVENTS = ["equity_updated", "challenge_status_changed", "risk_alert", "challenge_updated", "event_skipped"]

url, transport, challenge_id = sys.argv[1:]
client = socketio.AsyncClient(reconnection_delay=0.1, reconnection_delay_max=0.5)
cursor = None
joining = False


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


async def join():
    global joining
    if joining:
        return
    joining = True
    request = {"challenge_id": challenge_id}
    if cursor is not None:
        request["cursor"] = {"epoch": cursor[0], "sequence": cursor[1]}
    await client.emit("join_challenge", request, callback=lambda answer: say("answer", **answer))


@client.on("connect")
async def connected():
    global joining
    joining = False
    say("connected", transport=client.transport())
    await join()


@client.on("disconnect")
async def disconnected(*reason):
    say("disconnected", reason=str(reason))


@client.on("connect_error")
async def refused(data):
    say("refused", data=str(data))


@client.on("error")
async def failed(data):
    say("error", **data)


@client.on("joined_challenge")
async def joined(data):
    global joining
    joining = False
    say("joined", recovered=data["recovered"], reason=data.get("reason"), sequence=data["sequence"])
    if data.get("snapshot"):
        take(data["snapshot"])


@client.on("snapshot")
async def snapshot(data):
    take(data)


def take(at):
    global cursor
    if cursor is None or at["epoch"] != cursor[0] or at["sequence"] >= cursor[1]:
        cursor = (at["epoch"], at["sequence"])
        say("snapshot", sequence=at["sequence"])


async def event(name, data, bridge=None):
    global cursor
    epoch, sequence = data["epoch"], data["sequence"]
    before = (bridge or {}).get("prev_sequence", sequence - 1)
    if cursor is None or epoch != cursor[0] or (before > cursor[1]):
        say("gap", sequence=sequence, cursor=cursor)
        await join()
    elif sequence <= cursor[1]:
        say("duplicate", sequence=sequence)
    else:
        cursor = (epoch, sequence)
        say("handled", name=name, sequence=sequence)


def handler_of(name):
    async def handler(data, bridge=None):
        await event(name, data, bridge)

    return handler


for name in EVENTS:
    client.on(name, handler_of(name))


async def main():
    await client.connect(url, auth={"token": os.environ["TOKEN"]}, transports=[transport], retry=True)
    await client.wait()


asyncio.run(main())
