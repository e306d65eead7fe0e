"""Functions that set forecasts against the record: the claims, scores, calibration and backtests."""
