"""Words that may arrive again act once, whoever dies in between. Slack delivers twice; CI asks again when it heard nothing.

1. The words are claimed in the store before anything is done.
2. The run that they begin is written in the transaction that begins it, together with their key.
3. What came of them is written when they are answered.

Claimed words without an answer, on which this program does not work, were left by one that died or that has lost its turn.
A change is then asked for anew: 2 lets only one of both begin a run. Of a note nobody can tell whether it was taken, so the
sender is told that, and nothing is done.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from opsbot import log
from opsbot.clock import Clock
from opsbot.commands.reply import HEARD_BEFORE, Reply
from opsbot.errors import OpsError
from opsbot.store.seen import Claim, Heard, Seen, TakenOver

UNSURE = "heard_unsure"  # the code of a reply to words of which nobody knows what came

_log = log.get(__name__)


class Deliveries:
    """Used by several threads."""

    def __init__(self, seen: Seen, clock: Clock) -> None:
        self._seen, self._clock = seen, clock
        self._owner = secrets.token_hex(8)
        self._guard = threading.Lock()
        self._at_work: set[str] = set()

    def once(self, key: str | None, act: Callable[[Claim | None], Reply], *, twice: bool) -> Reply:
        """What `act` answers if the words are new, else what is known of them. Raises what `act` does.

        `twice`: it may be asked for again while its claim says that no run of it was begun, as a change may.
        """
        if key is None:
            return act(None)
        with self._guard:
            if key in self._at_work:
                return _heard("These words were heard before, and I am working on them.")
            self._at_work.add(key)
        try:
            claim = Claim(key, self._owner)
            before = self._seen.claim(claim, self._clock.now())
            known = self._known(claim, before, twice=twice) if before else None
            return known or self._acted(claim, act)
        finally:
            with self._guard:
                self._at_work.discard(key)

    def _known(self, claim: Claim, before: Heard, *, twice: bool) -> Reply | None:
        """What is known of words that were heard before; None = they are ours now, and nothing came of them."""
        if before.run:
            return _heard(f"These words were heard and acted on before: run {before.run}.", before.run)
        if before.outcome or before.owner is None:
            answer = f", and answered: {before.outcome.replace('_', ' ')}" if before.outcome else ""
            return _heard(f"These words were heard before{answer}.")
        if not self._seen.take_over(claim, before.owner):
            return _heard("These words were heard before, and another program works on them.")
        if twice:
            return None
        self._ended(claim, UNSURE)
        text = "I heard these words before, and ended before I noted what came of them."
        cure = "Look first: `audit`. Say them again if they still count."
        body = {"code": UNSURE, "what": text, "fix": cure, "again": False}
        return Reply(f"{text} {cure}", "warn", json=body, ok=False, code=UNSURE, exit_code=1, private=True)

    def _acted(self, claim: Claim, act: Callable[[Claim | None], Reply]) -> Reply:
        try:
            reply = act(claim)
        except TakenOver:
            return _heard("These words were heard before, and another program works on them.")
        except Exception as error:
            self._ended(claim, error.code if isinstance(error, OpsError) else "unexpected")
            raise
        self._ended(claim, reply.code)
        return reply

    def _ended(self, claim: Claim, outcome: str) -> None:
        try:
            self._seen.end(claim, outcome)
        except OpsError as error:  # the answer is not held up by it
            _log.warning("delivery.unwritten", key=claim.key, outcome=outcome, why=error)


def _heard(text: str, run: str | None = None) -> Reply:
    return Reply(text, private=True, code=HEARD_BEFORE, run=run)
