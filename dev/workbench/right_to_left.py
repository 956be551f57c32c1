""" The program that turns Odoo's style sheets around for Arabic. """

import os
import shutil
import subprocess

from .system import CACHE, run, say

PACKAGE = 'rtlcss'
FOLDER = CACHE / PACKAGE
PATIENCE = 60  # Seconds for the installation; the demo works without it.


def prepare_right_to_left():
    """ Have Odoo find `rtlcss`, which is installed in the cache if npm is at hand.

    :return: Why it isn't there and how to get it, if so.
    :rtype: str | None
    """
    os.environ['PATH'] = f"{os.environ['PATH']}{os.pathsep}{FOLDER / 'node_modules' / '.bin'}"
    if shutil.which(PACKAGE):
        return None
    if not shutil.which('npm'):
        return _explain("npm isn't installed")
    say(f"Installing {PACKAGE} with npm, for Arabic...")
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = CACHE / f'{PACKAGE}.log'
    try:
        run(['npm', 'install', '--prefix', FOLDER, PACKAGE], log=log, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return _explain(f"npm did not install it within {PATIENCE} seconds")
    return None if shutil.which(PACKAGE) else _explain(f"npm could not install it, see {log}")


def _explain(reason):
    """ Return why Arabic is shown from left to right, and how to change that. """
    return (
        f"Arabic pages run from left to right, because {PACKAGE} is missing: {reason}. "
        f"Install it (npm install -g {PACKAGE}) and start the demo again."
    )
