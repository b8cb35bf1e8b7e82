"""The composition root: the only place that makes real clients and joins the rooms."""

from opsbot.bot.compose import Bot, build

__all__ = ["Bot", "build"]
