""" The tests of what needs no Odoo: the package `aps` is loaded by itself, as `aps`. """

import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[3] / 'aps'


def load_package():
    """ Import the package, without the addon that it is part of. """
    spec = importlib.util.spec_from_file_location(
        'aps', FOLDER / '__init__.py', submodule_search_locations=[str(FOLDER)]
    )
    sys.modules['aps'] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules['aps'])


if 'aps' not in sys.modules:
    load_package()
