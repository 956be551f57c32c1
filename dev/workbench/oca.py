""" Modules of the Odoo Community Association (OCA), from PyPI. """

import hashlib
import shutil

from .system import CACHE, DEV, run, say
from .venvs import get_python


def get_oca_addons(series):
    """ Return modules of the OCA, downloaded once.

    :param str series: The series of Odoo.
    :return: The folders of the modules that a file of requirements asks for.
    :rtype: list[Path]
    """
    requirements = DEV / f'requirements-oca-{series}.txt'
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    folder = CACHE / f'oca-{series}-{digest[:16]}'
    if not folder.exists():
        say(f"Downloading modules of the OCA for Odoo {series}...")
        temporary, log = folder.with_suffix('.part'), CACHE / f'oca-{series}.log'
        shutil.rmtree(temporary, ignore_errors=True)
        run(
            [get_python(series), '-m', 'pip', 'install', '--no-deps', '--no-compile',
             '--target', temporary, '-r', requirements],
            log=log, what="Downloading modules of the OCA",
        )
        temporary.rename(folder)
    return sorted(
        path.parent for path in (folder / 'odoo' / 'addons').glob('*/__manifest__.py')
    )
