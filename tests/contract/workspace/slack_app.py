"""An app that calls the workspace's methods with nothing between, and a person whose acts make it hear something."""

import json
import urllib.request
from typing import Any

from opsbot.workspace import Workspace
from tests.contract.workspace import kit
from tests.contract.workspace.kit import Json

ALICE = "U01ALICE"
FIELDS = kit.asked(kit.typed(action_id="tag"), block_id="tag")
DEPLOY: Json = {"callback_id": "deploy", "private_metadata": "secret", "notify_on_close": True}
DEPLOY["blocks"] = [
    FIELDS,
    kit.asked(kit.typed(action_id="why"), block_id="why", optional=True),
    kit.asked({"type": "external_select", "action_id": "list"}, block_id="list", optional=True),
]


class SlackApp:
    """Calls methods as an app does, and fills in what rows name with `$`."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def call(self, method: str, args: Json) -> Any:
        token = self.workspace.app_token if method.startswith("apps.") else self.workspace.bot_token
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json; charset=utf-8"}
        body = json.dumps(self.filled(args)).encode()
        request = urllib.request.Request(f"{self.workspace.api_url}{method}", body, headers)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def done(self, method: str, **args: Any) -> Any:
        answer = self.call(method, args)
        assert answer["ok"], answer
        return answer

    def filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        return getattr(self, value[1:])() if isinstance(value, str) and value.startswith("$") else value

    def mine(self) -> str:
        return str(self.done("chat.postMessage", channel="C01OPS", text="mine")["ts"])

    def theirs(self) -> str:
        return self.workspace.say(ALICE, "#ops", "theirs")

    def whisper(self) -> str:
        return str(self.done("chat.postEphemeral", channel="C01OPS", user=ALICE, text="psst")["message_ts"])

    def reacted(self) -> str:
        ts = self.mine()
        self.done("reactions.add", channel="C01OPS", timestamp=ts, name="eyes")
        return ts

    def thread(self) -> str:
        ts = self.mine()
        self.done("chat.postMessage", channel="C01OPS", text="reply", thread_ts=ts)
        return ts

    def dm(self) -> str:
        return str(self.done("conversations.open", users=ALICE)["channel"]["id"])

    def made(self) -> str:
        known = self.done("conversations.list", limit=1000)["channels"]
        found = next((one["id"] for one in known if one["name"] == "made"), None)
        return str(found or self.done("conversations.create", name="made")["channel"]["id"])

    def archived(self) -> str:
        known = self.done("conversations.list", limit=1000)["channels"]
        found = next((one["id"] for one in known if one["name"] == "old"), None)
        if found:
            return str(found)
        made = self.done("conversations.create", name="old")["channel"]["id"]
        self.done("chat.postMessage", channel=made, text="of old")
        self.done("conversations.archive", channel=made)
        return str(made)

    def archived_ts(self) -> str:
        return str(self.done("conversations.history", channel=self.archived())["messages"][-1]["ts"])

    def trigger(self) -> str:
        if not self.workspace.views("U02BOB"):
            self.done("views.open", trigger_id=self._trigger("U02BOB"), view=kit.modal(external_id="taken"))
        return self._trigger(ALICE)

    def _trigger(self, user: str) -> str:
        return self.workspace.hub.triggers.open(user)

    def used(self) -> str:
        trigger = self._trigger(ALICE)
        self.done("views.open", trigger_id=trigger, view=kit.modal())
        return trigger

    def late(self) -> str:
        triggers = self.workspace.hub.triggers
        clock = triggers.clock
        triggers.clock = lambda: clock() - 3.1
        trigger = triggers.open(ALICE)
        triggers.clock = clock
        return trigger

    def view(self) -> str:
        opened = self.done("views.open", trigger_id=self._trigger(ALICE), view=kit.modal(FIELDS, **DEPLOY))
        return str(opened["view"]["id"])

    def inside(self) -> str:
        return self.workspace.hub.triggers.open(ALICE, self.view())

    def full(self) -> str:
        inside = self.inside()
        for _ in range(2):
            pushed = self.done("views.push", trigger_id=inside, view=kit.modal())["view"]["id"]
            inside = self.workspace.hub.triggers.open(ALICE, pushed)
        return inside

    def file(self) -> str:
        given = self.done("files.getUploadURLExternal", filename="x.log", length=3)
        urllib.request.urlopen(given["upload_url"], data=b"abc").close()
        self.done("files.completeUploadExternal", files=[{"id": given["file_id"]}])
        return str(given["file_id"])

    # acts of a person, by the names that the rows use

    def say(self) -> None:
        self.workspace.say(ALICE, "#ops", "@opsbot hello")

    def say_directly(self) -> None:
        self.workspace.say(ALICE, self.dm(), "hello")

    def edit(self) -> None:
        ts = self.workspace.say(ALICE, "#ops", "old")
        self.workspace.order("edit", user=ALICE, channel="C01OPS", ts=ts, text="new")

    def delete(self) -> None:
        self.workspace.order("delete", user=ALICE, channel="C01OPS", ts=self.theirs())

    def react(self) -> None:
        body = {"user": ALICE, "channel": "C01OPS", "ts": self.theirs(), "name": "eyes"}
        self.workspace.send("POST", "/page/react", body)

    def look_home(self) -> None:
        self.workspace.home(ALICE)

    def join(self) -> None:
        self.workspace.join(self.made(), ALICE, leave=True)
        self.workspace.join(self.made(), ALICE)

    def share(self) -> None:
        url = f"{self.workspace.url}/page/upload?user={ALICE}&channel=C01OPS&name=a.txt"
        urllib.request.urlopen(url, data=b"abc").close()

    def slash(self) -> None:
        self.workspace.slash(ALICE, "#ops", "/ops", "deploy & go")

    def click(self) -> None:
        go = kit.button(action_id="go", value="v2")
        card = [kit.row(go) | {"block_id": "row"}]
        ts = self.done("chat.postMessage", channel="C01OPS", text="card", blocks=card)["ts"]
        self.workspace.click(ALICE, "#ops", ts, "go")

    def submit(self) -> None:
        self.workspace.submit(ALICE, self.view(), {"tag": "v2"})

    def close(self) -> None:
        self.workspace.close(ALICE, self.view())

    def suggest(self) -> None:
        body = {"user": ALICE, "action_id": "list", "typed": "v", "view_id": self.view()}
        self.workspace.send("POST", "/page/suggest", body)

    def shortcut(self) -> None:
        self.workspace.shortcut(ALICE, "deploy")

    def message_action(self) -> None:
        self.workspace.shortcut(ALICE, "again", channel="C01OPS", ts=self.theirs())
