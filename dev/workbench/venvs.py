""" Virtual environments in the cache, made anew when their requirements change. """

import hashlib
import shutil
import sys

from .system import CACHE, DEV, Failure, install_packages, run, say


def get_python(name):
    """ Return the Python of a virtual environment with what a file of requirements asks for.

    :param str name: `17.0`, `19.0` or `tools`.
    :return: The path of the interpreter.
    :rtype: Path
    """
    requirements = DEV / f'requirements-{name}.txt'
    sandbox = DEV / 'sandbox' / 'requirements.txt'
    stamp_text = hashlib.sha256(
        requirements.read_bytes() + sandbox.read_bytes() + sys.version.encode()
    ).hexdigest()
    folder = CACHE / f'venv-{name}'
    stamp = folder / 'stamp'
    python = folder / 'bin' / 'python'
    if stamp.exists() and stamp.read_text() == stamp_text:
        return python

    if name == '17.0' and not (3, 10) <= sys.version_info[:2] <= (3, 12):
        raise Failure("Odoo 17.0 needs Python 3.10 to 3.12; run this command with one of them.")
    say(f"Preparing the Python environment of {name} (a minute)...")
    shutil.rmtree(folder, ignore_errors=True)
    log = CACHE / f'venv-{name}.log'
    CACHE.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    if run([sys.executable, '-m', 'ensurepip', '--version']).returncode:
        install_packages('python3-venv')
    what = f"Preparing the Python environment of {name}"
    run([sys.executable, '-m', 'venv', folder], log=log, what=what)
    run([python, '-m', 'pip', 'install', 'wheel', 'setuptools<70'], log=log, what=what)
    run([python, '-m', 'pip', 'install', '-r', requirements], log=log, what=what)
    stamp.write_text(stamp_text)
    return python
