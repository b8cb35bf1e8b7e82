"""`python -m opsbot …`: serve, demo, tour, and every chat command. Exit status: 0 done, 1 failed, 2 not understood, 3 refused."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from opsbot import bot as bots
from opsbot import log
from opsbot.cli import completion, reference
from opsbot.cli.check import check
from opsbot.cli.command import colours, err, out, run_terminal
from opsbot.cli.one_record import keep_to_one, serve_alone
from opsbot.cli.text import Paint
from opsbot.config import settings, values
from opsbot.config.settings import Config, Environment
from opsbot.errors import ConfigError, OpsError

PROGRAM = "opsbot"
INSTALLING = ("init", "doctor", "adopt", "unadopt")
SHIPPED = Path(__file__).parents[2] / "playbooks"
USAGE = """\
opsbot [--config opsbot.yml] [--here] COMMAND …   (--here: this record is the one, whatever runs in the swarm)

  serve    listen in chat, watch, back up; until Ctrl-C. --http HOST:PORT: Slack calls us there
  demo     everything on this machine, with a chat page; until Ctrl-C
  tour     the demo's tour, without staying
  init     find what runs in a swarm and write an opsbot.yml for it; `init --help`
  doctor   whether everything works that opsbot.yml names, and what to do; at any time
  adopt    take a service that runs under management: adopt web --env production; it restarts nothing
  unadopt  the reverse; it runs on
  check    opsbot.yml and the playbooks, each played through its rehearsal
  completion bash|zsh   for the shell: source <(opsbot completion bash)
  reference FOLDER      every command, playbook and step as Markdown
  help     the commands, the same as in chat: opsbot deploy v2 to staging
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The program. Errors are sentences on stderr."""
    options, words = _split(list(sys.argv[1:] if argv is None else argv))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 must not end a command
    try:
        return _run(options, words)
    except OpsError as error:
        return _failed(error, "--json" in words)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `opsbot runs | head` is no error
        return 0


def _split(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own options stand before the command, or behind `serve`, which has no others; all else is the command's."""
    parser = argparse.ArgumentParser(PROGRAM, add_help=False, allow_abbrev=False)
    parser.add_argument("--here", action="store_true")
    parser.add_argument("--config", type=Path, default=Path(os.environ.get("OPSBOT_CONFIG", "opsbot.yml")))
    own: list[str] = []
    while argv and (argv[0] == "--here" or argv[0].startswith("--config")):
        alone = argv[0] == "--here" or "=" in argv[0]
        own += [argv.pop(0)] if alone else [argv.pop(0) for _ in argv[:2]]
    if argv[:1] == ["serve"]:
        parser.add_argument("--http")
        return parser.parse_args([*own, *argv[1:]]), argv[:1]
    return parser.parse_args(own), argv


def _run(options: argparse.Namespace, words: list[str]) -> int:
    verb = words[0] if words else "--help"
    if verb in ("--help", "-h"):
        out(USAGE.rstrip())
        return 0
    if verb in ("demo", "tour"):
        ended: int = import_module("opsbot.demo.tour").main(words)  # its parts are an extra that servers do not install
        return ended
    if verb == "completion":
        out(completion.script(words[1:]))
        return 0
    if verb == "--suggest":
        out("\n".join(_suggested(options.config, " ".join(words[1:]))))
        return 0
    if verb in INSTALLING:
        done: int = import_module("opsbot.cli.install").run(words, options.config, load, here=options.here)
        return done
    config = load(options.config)
    http, here = getattr(options, "http", None), options.here
    return serve(over_http(config, http), here=here) if verb == "serve" else _with_bot(config, verb, words, here=here)


def _suggested(path: Path, line: str) -> list[str]:
    """For the shell; what opsbot.yml names is not suggested where there is none."""

    def suggest(typed: str) -> Sequence[str]:
        log.configure("CRITICAL")
        try:
            bot = bots.build(load(Path(completion.config_in(line) or path)))
        except OpsError:
            return ()
        try:
            return completion.suggest(bot.front, typed)
        finally:
            bot.close()

    return completion.next_words(line, suggest)


def _with_bot(config: Config, verb: str, words: list[str], *, here: bool) -> int:
    log.configure("ERROR")
    bot = bots.build(config)
    try:
        if verb == "check":
            return check(config.playbooks, bot.playbooks, bot.steps, out, err)
        if verb == "reference":
            folder = Path(words[1]) if words[1:] else Path("docs/reference")
            out("\n".join(map(str, reference.write(folder, bot.front.tree, bot.playbooks, bot.steps))))
            return 0
        if not here:
            keep_to_one(bot, config, words)
        return run_terminal(bot, config, words)
    finally:
        bot.close()


def load(path: Path) -> Config:
    """opsbot.yml; its playbooks stand beside it, and so does a SQLite store with a relative path."""
    config = settings.load(path)
    store = values.text(config.store)
    own, sep, name = store.partition("sqlite:///")
    if sep and not own and not name.startswith("/"):
        store = f"sqlite:///{path.parent.absolute() / name}"
    playbooks = path.parent / config.playbooks
    if "playbooks" not in config.model_fields_set and not playbooks.is_dir():
        playbooks = SHIPPED  # an opsbot.yml that stands alone, as in the bot's own image
    environments = {name: _beside(path.parent, found) for name, found in config.environments.items()}
    return config.model_copy(update={"playbooks": playbooks, "store": store, "environments": environments})


def _beside(folder: Path, environment: Environment) -> Environment:
    return environment.model_copy(update={"stack_files": tuple(folder / file for file in environment.stack_files)})


def over_http(config: Config, address: str | None) -> Config:
    """The settings with the address at which Slack calls us, if one is given: HOST:PORT, or a port of the loopback."""
    if address is None:
        return config
    listen = address if ":" in address else f"127.0.0.1:{address}"
    return config.model_copy(update={"slack": config.slack.model_copy(update={"http": listen})})


def serve(config: Config, *, here: bool = False) -> int:
    """Listen until told to stop; `here`: also beside a bot that may have another record. Without Slack's tokens that is impossible: everything that is missing is named at once."""
    log.configure()
    absent = config.missing_values()
    slack = Config(slack=config.slack).missing_values()
    if slack:
        raise ConfigError(f"Not set: {', '.join(absent)}.", "Set them and start again.", code="missing_value")
    if absent:
        log.get(__name__).warning("serve.incomplete", missing=",".join(absent))
    bot = bots.build(config)
    try:
        if not here:
            serve_alone(bot, config)
    except OpsError:
        bot.close()
        raise
    return 0 if bot.serve() else 1


def _failed(error: OpsError, as_json: bool) -> int:
    if as_json:
        out(log.json_of(error.as_json()))
    else:
        err(Paint(colours(sys.stderr)).tone("bad", log.redactor.clean(error.sentence())))
    return error.exit_code
