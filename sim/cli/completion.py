"""What the shell offers while a command is typed: scenarios, worlds, settings, mechanisms."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

Items = list[CompletionItem]


def complete_scenarios(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Names of scenarios and worlds, and files where none begins so."""
    from sim.scenario.loading import scenario_names, world_names

    found = [CompletionItem(name, help="scenario") for name in scenario_names() if name.startswith(incomplete)]
    found += [CompletionItem(name, help="world") for name in world_names() if name.startswith(incomplete)]
    return found or complete_files(ctx, param, incomplete)


def complete_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Whatever files there are, as the shell finds them."""
    return [CompletionItem(incomplete, type="file")]


def complete_settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Parameters with what they mean; a setting of a bloc or a state is for `blocs show` to say."""
    from sim.scenario.parameters import Parameters

    fields = Parameters.model_fields.items()
    return [CompletionItem(f"{name}=", help=field.description) for name, field in fields if name.startswith(incomplete)]


def complete_mechanisms(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The mechanisms that can be switched off."""
    from sim.scenario.overrides import MECHANISMS

    return [CompletionItem(name) for name in MECHANISMS if name.startswith(incomplete)]
