"""`opsbot completion bash|zsh`: a script for the shell; it asks `opsbot --suggest LINE` what may come next."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from opsbot.cli.adopting import VERBS
from opsbot.commands import suggest as suggesting
from opsbot.commands.front import Front
from opsbot.commands.tree import build
from opsbot.errors import UsageError, did_you_mean
from opsbot.install import wishes

# What bash replaces begins behind the last of its word breaks: of `--env=pro` that is `pro`, of an id with a colon its end.
SCRIPTS: Mapping[str, str] = {
    "bash": """\
_opsbot() {
    local line="${COMP_LINE:0:COMP_POINT}" marks="" kept="" word
    local last="${line##*[[:space:]]}"
    [[ $COMP_WORDBREAKS == *=* ]] && marks+="="
    [[ $COMP_WORDBREAKS == *:* ]] && marks+=":"
    [[ -n $marks && $last == *[$marks]* ]] && kept="${last%"${last##*[$marks]}"}"
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ -n $word ]]; then COMPREPLY+=("${word#"$kept"}"); fi
    done < <("$1" --suggest "$line" 2>/dev/null)
}
complete -F _opsbot opsbot""",
    "zsh": """\
_opsbot() {
    compadd -- ${(f)"$(opsbot --suggest "${LBUFFER}" 2>/dev/null)"}
}
compdef _opsbot opsbot""",
}
OWN: Mapping[str, Sequence[str]] = {  # the program's own verbs, which no chat knows, and what may stand behind them
    "serve": ("--http",),
    "demo": (),
    "tour": (),
    "init": (),
    "doctor": ("--json",),
    "adopt": (),
    "unadopt": (),
    "check": (),
    "completion": tuple(SCRIPTS),
    "reference": (),
}
_PROGRAM = re.compile(r"^\s*\S+\s*(?P<config>--config(?:=|\s+)(?P<path>\S+)\s+)?(?P<typed>.*)$", re.DOTALL)

Suggest = Callable[[str], Sequence[str]]


def script(words: Sequence[str]) -> str:
    """What a shell sources: `source <(opsbot completion bash)`. UsageError for another shell."""
    shell = words[0] if words else ""
    if shell not in SCRIPTS:
        raise UsageError(f"I can complete in {' and '.join(SCRIPTS)}.", did_you_mean(shell, SCRIPTS))
    return SCRIPTS[shell]


def config_in(line: str) -> str | None:
    """The path that a line names with --config."""
    found = _PROGRAM.match(line)
    return found["path"] if found else None


def suggest(front: Front, typed: str) -> list[str]:
    """What may come next in a half-typed command, also in one that only the terminal knows."""
    tree = build([*front.tree.specs.values(), *VERBS], front.tree.known)
    return suggesting.suggest(tree, front.services, typed)


def next_words(line: str, suggest: Suggest) -> list[str]:
    """The words that a shell may put at the end of `line`, which begins with the program's own name. `suggest` knows the
    commands."""
    matched = _PROGRAM.match(line)
    typed = matched["typed"] if matched else ""
    verb, space, rest = typed.partition(" ")
    if space and verb in OWN and not verb.endswith("adopt"):
        last = rest.rpartition(" ")[2]
        flags = wishes.flags() if verb == "init" else OWN[verb]
        return [flag for flag in flags if flag.startswith(last)]
    own = [] if space else [verb for verb in OWN if verb.startswith(typed)]
    before = " ".join(typed.split(" ")[:-1]).lower()
    rest_of = [_behind(before, found) for found in suggest(typed)]
    return list(dict.fromkeys(word.split(" ")[0] for word in (*rest_of, *own) if word))


def _behind(before: str, found: str) -> str:
    """Of a path of two words, half typed, what is still to come."""
    return found.removeprefix(f"{before} ") if before else found
