"""The schema of a playbook. Reference with comments: playbooks/reference.yml."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from opsbot.config.settings import Role
from opsbot.config.values import Duration, Frozen
from opsbot.playbooks.params import NAMED, Param, Type
from opsbot.runs.plan import OnResume

_WORD = r"^[a-z][a-z0-9_]*$"


class ParamSpec(Frozen):
    """One param: its type gives the check, the suggestions and the help. `default: first` = the first in opsbot.yml."""

    type: Type = "text"
    default: str | int | float | bool | None = None
    required: bool = False
    help: str = ""
    choices: tuple[str, ...] = ()
    suggest: str | None = None
    option: bool = False

    @model_validator(mode="after")
    def _makes_sense(self) -> ParamSpec:
        if self.required and self.default is not None:
            raise ValueError("a required param has no default")
        if self.required and self.option:
            raise ValueError("a required param is no option")
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("choices belong to the type choice, and it needs them")
        if self.type == "environment" and self.default is not None:
            raise ValueError("an environment has no default: it is always named")
        if self.type in NAMED and not self.required and self.default is None:
            raise ValueError(f"say required: true{'' if self.type == 'environment' else ' or default: first'}")
        return self


class Approve(Frozen):
    """A second person's yes. `when_protected`: only in protected environments."""

    from_role: Role = Field(default="approver", alias="from")
    people: int = Field(default=1, ge=1)
    expires: Duration = timedelta(hours=1)
    when_protected: bool = False


class Say(Frozen):
    """The playbook's own sentences. They may use params and run, and what steps find out: for the title read-only ones."""

    title: str | None = None
    success: str | None = None
    failure: str | None = None


class Offer(Frozen):
    """A button on the card of a run that went well: what one may want to say next. It may use all that the run found out."""

    label: str = Field(min_length=2, max_length=30)
    command: str
    when: str | None = None
    confirm: str | None = None


class StepSpec(Frozen):
    """One step: what a person calls it, which kind of step does it, with what, and how it is reversed."""

    id: str = Field(pattern=_WORD)
    name: str = Field(min_length=3)
    do: str | None = None
    manual: str | None = None
    with_: dict[str, Any] = Field(default={}, alias="with")
    when: str | None = None
    left_out: str | None = None
    check: str | None = None
    undo: Literal[True, "impossible"] = True
    why: str | None = None
    on_resume: OnResume | None = None
    timeout: Duration = timedelta(minutes=10)
    quiet: Duration | None = None
    retry: int = Field(default=0, ge=0, le=10)

    @model_validator(mode="after")
    def _one_way_to_do_it(self) -> StepSpec:
        if (self.do is None) == (self.manual is None):
            raise ValueError("a step has either do (a kind of step) or manual (what a person does)")
        if self.manual is not None and self.with_:
            raise ValueError("a manual step has no with")
        if self.left_out is not None and self.when is None:
            raise ValueError("left_out says what a false when means, and there is no when")
        return self

    @property
    def kind(self) -> str:
        """The name of the step in the catalogue."""
        return self.do or "manual"

    @property
    def arguments(self) -> dict[str, Any]:
        """The templates of its arguments."""
        return {"ask": self.manual} if self.manual is not None else self.with_


class Playbook(Frozen):
    """A YAML runbook. `name` and `hash` come from its file, all else from the text."""

    name: str = ""
    hash: str = ""
    about: str = Field(min_length=10)
    command: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9-]*( [a-z][a-z0-9-]*)*$")
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    params: dict[str, ParamSpec] = {}
    risk: Literal["low", "high"] = "high"
    lock: str | tuple[str, ...] | None = None
    passes_freeze: bool = False
    approve: Approve | None = None
    on_reject: str | None = None
    on_expire: str | None = None
    say: Say = Say()
    offer: Offer | None = None
    steps: tuple[StepSpec, ...] = Field(min_length=1)

    @field_validator("aliases")
    @classmethod
    def _plain_words(cls, aliases: tuple[str, ...]) -> tuple[str, ...]:
        for alias in aliases:
            if not all(word.replace("-", "").isalnum() and word == word.lower() for word in alias.split(" ")):
                raise ValueError(f"“{alias}” must be lower-case words")
        return aliases

    @property
    def path(self) -> str:
        """The words of its command."""
        return self.command or self.name

    def arguments(self) -> tuple[Param, ...]:
        """Its params as the grammar needs them."""
        return tuple(
            Param(
                name=name,
                type=spec.type,
                required=spec.required,
                default=spec.default,
                help=spec.help,
                choices=spec.choices,
                suggest=spec.suggest,
                option=spec.option,
            )
            for name, spec in self.params.items()
        )

    def environment_param(self) -> str | None:
        """The name of the param that says where it acts, if it has one: `environment`, else the first of that type."""
        names = [name for name, spec in self.params.items() if spec.type == "environment"]
        return "environment" if "environment" in names else next(iter(names), None)
