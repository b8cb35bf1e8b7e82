"""`opsbot completion bash|zsh`: a script for the shell; it asks `opsbot --suggest LINE` what may come next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opsbot.errors import UsageError, did_you_mean

SCRIPTS: Mapping[str, str] = {
    "bash": """\
_opsbot() {
    local IFS=$'\\n'
    COMPREPLY=($(opsbot --suggest "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
}
complete -F _opsbot opsbot""",
    "zsh": """\
_opsbot() {
    compadd -- ${(f)"$(opsbot --suggest "${LBUFFER}" 2>/dev/null)"}
}
compdef _opsbot opsbot""",
}


def script(words: Sequence[str]) -> str:
    """What a shell sources: `source <(opsbot completion bash)`. UsageError for another shell."""
    shell = words[0] if words else ""
    if shell not in SCRIPTS:
        raise UsageError(f"I can complete in {' and '.join(SCRIPTS)}.", did_you_mean(shell, SCRIPTS))
    return SCRIPTS[shell]


def next_words(line: str, suggest: Callable[[str], Sequence[str]]) -> list[str]:
    """The words that a shell may put at the end of `line`, which begins with the program's own name."""
    _, _, typed = line.partition(" ")
    found = suggest(typed)
    before = " ".join(typed.split(" ")[:-1]).lower()
    rest = [word.removeprefix(before).strip() if before else word for word in found]  # a path of two words, half typed
    return list(dict.fromkeys(word.split(" ")[0] for word in rest if word))
