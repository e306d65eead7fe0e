"""Charts label their rows with names."""

from __future__ import annotations

from sim.reporting import charts


def test_forecast_rows_have_state_names() -> None:
    states = [
        {"state": "FRA", "cast": "yes", "yes": 0.9, "no": 0.1},
        {"state": "BRA", "cast": "no", "yes": 0.2, "no": 0.7},
        {"state": "IND", "cast": "absent", "yes": 0.3, "no": 0.1},
    ]
    _, (axes,) = charts.new_figure(4, 3)
    charts.draw_forecasts(axes, states, names={"FRA": "France", "BRA": "Brazil"})
    assert [label.get_text() for label in axes.get_yticklabels()] == ["France", "IND", "Brazil"]
