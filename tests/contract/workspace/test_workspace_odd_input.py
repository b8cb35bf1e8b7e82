"""Whatever is sent, the workspace answers in Slack's shapes and goes on; it never fails by itself."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from opsbot.workspace import Settings, Workspace, blocks
from opsbot.workspace.errors import ApiError
from opsbot.workspace.methods.catalog import METHODS
from opsbot.workspace.people import ACTS


def named(words: str) -> st.SearchStrategy[str]:
    """One of these words."""
    return st.sampled_from(words.split(","))


WORDS = st.sampled_from(
    ["", "x", "C01OPS", "D01ALICE", "U01ALICE", "S01OPS", "1.000001", "0", "true", "[]", "{", "\x00", "é🙂", "a" * 300]
)
LEAVES = st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats(allow_nan=False) | WORDS
ANYTHING = st.recursive(
    LEAVES, lambda one: st.lists(one, max_size=3) | st.dictionaries(WORDS, one, max_size=3), max_leaves=6
)
ARGUMENTS = named(
    "channel,user,users,text,blocks,attachments,metadata,view,trigger_id,ts,timestamp,name,cursor,limit,files,usergroup,"
    "thread_ts,filename,length,view_id,hash,user_id,types,oldest,latest,email,handle,topic,token"
)
FIELDS = named(
    "user,channel,text,ts,thread_ts,command,action_id,block_id,view_id,value,values,state,typed,name,remove,tab,callback_id,"
    "whole_stack,broadcast"
)
KEYS = named(
    "type,text,fields,accessory,elements,element,label,options,option_groups,initial_option,initial_options,confirm,"
    "placeholder,block_id,action_id,value,style,url,rows,title,image_url,alt_text,min_length,max_length,description"
)
KINDS = named(
    "section,header,context,actions,input,image,divider,rich_text,markdown,table,video,button,static_select,overflow,"
    "checkboxes,plain_text_input,number_input,datepicker,timepicker,datetimepicker,plain_text,mrkdwn"
)
BLOCKISH = st.recursive(
    LEAVES | KINDS,
    lambda one: (
        st.lists(one, max_size=3) | st.dictionaries(KEYS, one, max_size=5).map(lambda made: {"type": "section"} | made)
    ),
    max_leaves=12,
)
QUIET = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace(settings=Settings(rate_limits=False, redelivery_pauses=())) as running:
        yield running


def post(workspace: Workspace, path: str, body: Any) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {workspace.bot_token}", "content-type": "application/json"}
    request = urllib.request.Request(f"{workspace.url}{path}", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


@QUIET
@given(method=st.sampled_from(sorted(METHODS)), args=st.dictionaries(ARGUMENTS, ANYTHING, max_size=6))
def test_a_method_answers_whatever_it_is_called_with(workspace: Workspace, method: str, args: dict[str, Any]) -> None:
    status, answer = post(workspace, f"/api/{method}", args)
    assert status == 200
    assert answer["ok"] is not bool(answer.get("error"))


@QUIET
@given(act=st.sampled_from(sorted(ACTS)), body=st.dictionaries(FIELDS, ANYTHING, max_size=6))
@example(act="say", body={"text": None})
def test_an_act_answers_whatever_the_page_sends(workspace: Workspace, act: str, body: dict[str, Any]) -> None:
    status, answer = post(workspace, f"/page/{act}", body)
    assert status in (200, 400)
    assert isinstance(answer["ok"], bool)


def _refusal(check: Callable[[Any], None], made: Any) -> str:
    try:
        check(made)
    except ApiError as refused:
        return refused.code
    return ""


@QUIET
@given(st.lists(BLOCKISH, max_size=3))
def test_odd_blocks_are_taken_or_refused_and_nothing_else(made: list[Any]) -> None:
    codes = ("invalid_blocks", "invalid_arguments", "msg_blocks_too_long", "invalid_blocks_format")
    for check in (blocks.check_message, lambda one: blocks.check_view({"type": "home", "blocks": one}, "home")):
        assert _refusal(check, made) in ("", *codes)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": ["C01OPS"], "text": "x"}, "invalid_array_arg"),
        ({"channel": {"id": "C01OPS"}, "text": "x"}, "invalid_arguments"),
    ],
)
def test_a_list_or_an_object_is_no_text(workspace: Workspace, args: dict[str, Any], error: str) -> None:
    assert post(workspace, "/api/chat.postMessage", args)[1]["error"] == error


def test_a_body_that_is_no_json_is_refused(workspace: Workspace) -> None:
    headers = {"authorization": f"Bearer {workspace.bot_token}", "content-type": "application/json"}
    request = urllib.request.Request(f"{workspace.api_url}auth.test", b"{", headers)
    with urllib.request.urlopen(request) as answer:
        assert json.loads(answer.read())["error"] == "invalid_json"
