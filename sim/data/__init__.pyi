from .build import ImportedWorld as ImportedWorld
from .build import import_world as import_world
from .folder import DataFolder as DataFolder
from .folder import open_folder as open_folder
from .write import scenario_of_import as scenario_of_import
from .write import write_world as write_world
