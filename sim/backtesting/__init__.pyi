from .imports import import_years as import_years
from .reading import YearReading as YearReading
from .reading import fit_reading as fit_reading
from .report import BacktestPlan as BacktestPlan
from .report import backtest_years as backtest_years
from .worlds import YearWorld as YearWorld
from .worlds import load_years as load_years
from .worlds import read_years as read_years
