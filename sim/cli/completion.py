"""Shell completion: scenarios, worlds, settings, mechanisms."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

Items = list[CompletionItem]


def complete_scenarios(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete names of scenarios and worlds; offer files where no name fits."""
    from sim.scenario.loading import scenario_names, world_names

    found = [CompletionItem(name, help="scenario") for name in scenario_names() if name.startswith(incomplete)]
    found += [CompletionItem(name, help="world") for name in world_names() if name.startswith(incomplete)]
    return found or complete_files(ctx, param, incomplete)


def complete_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Let the shell complete a file."""
    return [CompletionItem(incomplete, type="file")]


def complete_settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete parameters, each with its meaning; `blocs show` lists the settings of blocs and states."""
    from sim.scenario.parameters import Parameters

    fields = Parameters.model_fields.items()
    return [CompletionItem(f"{name}=", help=field.description) for name, field in fields if name.startswith(incomplete)]


def complete_mechanisms(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete mechanisms."""
    from sim.scenario.overrides import MECHANISMS

    return [CompletionItem(name) for name in MECHANISMS if name.startswith(incomplete)]
