from .api import Comparison as Comparison
from .api import Ensemble as Ensemble
from .api import History as History
from .api import compare as compare
from .api import load as load
from .api import read as read
from .api import run as run
from .api import sweep as sweep
from .errors import InputError as InputError
from .errors import InputWarning as InputWarning
from .model.agents import BlocModel as BlocModel
from .model.agents import StateAgent as StateAgent

__version__: str
