""" Where Odoo comes from, and how each of its forms is run. """

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .system import CACHE, REPOSITORY, Failure, install_packages, run, say

CHECKOUT = CACHE / 'odoo-17.0'
PACKAGE = CACHE / 'odoo-19.0'
SUITES = ('trixie', 'trixie-backports', 'forky', 'sid')
# Packages that the Odoo package points to: a missing script breaks every asset bundle.
ASSET_PACKAGES = (
    'libjs-jquery', 'libjs-jquery-form', 'libjs-underscore', 'fonts-font-awesome',
    'fonts-glyphicons-halflings', 'fonts-inconsolata', 'fonts-roboto-unhinted', 'fonts-dejavu-core',
)
PUBLIC_REPOSITORY = 'https://github.com/odoo/odoo.git'


@dataclass
class Source:
    """ An Odoo that can be run. """

    series: str  # 17.0 or 19.0
    path: Path  # The checkout, or the root of the unpacked package.
    is_package: bool = False

    @property
    def packages_folder(self):
        """ The folder of the Python packages of the unpacked Debian package. """
        return self.path / 'usr' / 'lib' / 'python3' / 'dist-packages'

    @property
    def core_addon(self):
        """ The folder of Odoo's own module. """
        if self.is_package:
            return self.path / 'payment_aps.core'
        return self.path / 'addons' / 'payment_aps'

    def get_command(self, python, addons, arguments):
        """ Return the command that runs Odoo with an addon in place of its own module.

        :param Path python: The Python interpreter.
        :param Path addons: The folder that holds the addon, or a link to it, as `payment_aps`.
        :param list arguments: The arguments of Odoo.
        :return: The command.
        :rtype: list
        """
        if not self.is_package:
            # The shell of 17.0 heeds the path only as the very first argument.
            paths = f'{addons},{self.path / "addons"}'
            return [python, self.path / 'odoo-bin', f'--addons-path={paths}', *arguments]
        return [python, self.path / 'usr' / 'bin' / 'odoo', *arguments]

    def get_environment(self, addons):
        """ Return the environment that Odoo runs in.

        :param Path addons: The folder that holds the addon as `payment_aps`.
        :return: The variables.
        :rtype: dict
        """
        environment = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1'}
        if self.is_package:
            environment['PYTHONPATH'] = str(self._overlay_packages(addons))
        return environment

    def _overlay_packages(self, addons):
        """ Return a folder of links to the packages, with an addon in place of Odoo's own.

        The packaged addons win over any other folder, so the module itself must be exchanged.

        :param Path addons: The folder that holds the addon, and others that tests need beside it.
        :return: The folder of packages.
        :rtype: Path
        """
        overlay = addons.with_name(f'{addons.name}-packages')
        if not overlay.exists():
            (overlay / 'odoo' / 'addons').mkdir(parents=True)
            for folder, left_out in (('.', 'odoo'), ('odoo', 'addons'), ('odoo/addons', '')):
                for entry in (self.packages_folder / folder).iterdir():
                    if entry.name != left_out:
                        (overlay / folder / entry.name).symlink_to(entry)
            for addon in addons.iterdir():
                (overlay / 'odoo' / 'addons' / addon.name).symlink_to(addon.resolve())
        return overlay


def find_sources(series=None):
    """ Return every Odoo at hand, 17.0 first.

    :param str series: The only series that is wanted, if any.
    :return: The sources.
    :rtype: list[Source]
    :raise Failure: If there is none.
    """
    sources = []
    checkout = find_checkout() if series != '19.0' or os.environ.get('ODOO_PATH') else None
    if checkout and series in (None, checkout.series):
        sources.append(checkout)
    if series in (None, '19.0') and not any(source.series == '19.0' for source in sources):
        try:
            sources.append(get_package())
        except Failure as failure:
            if not sources:
                raise
            say(f"No Odoo 19.0: {failure}")
    if not sources:
        raise Failure(
            "No Odoo is at hand. Set ODOO_PATH to a checkout of Odoo 17.0, or put one into "
            f"{CHECKOUT}."
        )
    for source in sources:
        say(f"Using Odoo {source.series} from {source.path}")
    return sources


def find_checkout():
    """ Return the checkout of Odoo to use, cloned from its public repository if need be.

    :return: The source, if there is a checkout.
    :rtype: Source | None
    """
    path = Path(os.environ.get('ODOO_PATH') or CHECKOUT)
    if not (path / 'odoo-bin').exists():
        if os.environ.get('ODOO_PATH'):
            raise Failure(f"ODOO_PATH is {path}, which is no checkout of Odoo.")
        clone_checkout()
    if not (path / 'odoo-bin').exists():
        return None
    text = (path / 'odoo' / 'release.py').read_text()
    version = re.search(r'version_info = \((\d+), (\d+)', text)
    return Source(f'{version[1]}.{version[2]}', path)


def clone_checkout():
    """ Clone Odoo 17.0 into the cache, if its public repository can be reached. """
    install_packages('git')
    quiet = {**os.environ, 'GIT_TERMINAL_PROMPT': '0'}
    try:
        probe = run(
            ['git', 'ls-remote', '--heads', PUBLIC_REPOSITORY, '17.0'], timeout=20, env=quiet
        )
    except Exception:  # A time-out: the same as not reachable.
        return
    if probe.returncode or '17.0' not in probe.stdout:
        return
    say("Cloning Odoo 17.0 (some minutes)...")
    temporary = CHECKOUT.with_suffix('.part')
    shutil.rmtree(temporary, ignore_errors=True)
    result = run(
        ['git', 'clone', '--quiet', '--depth', '1', '--branch', '17.0', PUBLIC_REPOSITORY,
         temporary], env=quiet,
    )
    if not result.returncode:
        temporary.rename(CHECKOUT)


def get_package():
    """ Return Debian's package of Odoo 19.0, unpacked in the cache.

    :return: The source.
    :rtype: Source
    :raise Failure: If the package cannot be had.
    """
    source = Source('19.0', PACKAGE, is_package=True)
    if (PACKAGE / 'complete').exists():
        return source
    say("Fetching Odoo 19.0 from the Debian archive (a minute)...")
    shutil.rmtree(PACKAGE, ignore_errors=True)
    PACKAGE.mkdir(parents=True)
    for file in download_packages():
        run(['dpkg', '-x', file, PACKAGE], what=f"Unpacking {file.name}")
    packaged = source.packages_folder / 'odoo' / 'addons' / 'payment_aps'
    packaged.rename(source.core_addon)
    shutil.rmtree(CACHE / 'apt', ignore_errors=True)
    (PACKAGE / 'complete').touch()
    return source


def download_packages():
    """ Download the Odoo package and what it points to, with a private configuration of apt.

    :return: The downloaded files.
    :rtype: list[Path]
    :raise Failure: If no suite of the archive carries it.
    """
    archive = find_archive()
    log = CACHE / 'odoo-19.0.log'
    for suite in SUITES:
        root = CACHE / 'apt' / suite
        for folder in ('lists/partial', 'cache/archives/partial', 'etc', 'deb'):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / 'etc' / 'sources.list').write_text(
            f'deb [signed-by={find_keyring()}] {archive} {suite} main\n'
        )
        (root / 'status').touch()
        options = [
            f'-oDir::Etc::sourcelist={root}/etc/sources.list', '-oDir::Etc::sourceparts=-',
            f'-oDir::State::lists={root}/lists', f'-oDir::Cache={root}/cache',
            f'-oDir::State::status={root}/status', '-oAPT::Sandbox::User=root',
            '-oAcquire::Languages=none',
        ]
        run(['apt-get', *options, 'update'], log=log)
        names = ['odoo-19', *ASSET_PACKAGES]
        result = run(['apt-get', *options, 'download', *names], log=log, cwd=root / 'deb')
        files = sorted((root / 'deb').glob('*.deb'))
        if not result.returncode and any(file.name.startswith('odoo-19') for file in files):
            return files
    raise Failure(f"No suite of the Debian archive carries odoo-19. Log: {log}")


def find_archive():
    """ Return the address of the Debian archive that this machine uses.

    :return: The address.
    :rtype: str
    :raise Failure: If apt knows none.
    """
    result = run(['apt-get', 'indextargets', '--format', '$(ORIGIN)|$(REPO_URI)'])
    for line in result.stdout.splitlines():
        origin, _separator, address = line.partition('|')
        if origin == 'Debian' and 'security' not in address:
            return address
    install_packages('debian-archive-keyring')
    if run(['apt-get', 'update']).returncode:
        raise Failure("apt knows no Debian archive; run 'apt-get update' once.")
    raise Failure("apt knows no Debian archive.")


def find_keyring():
    """ Return the keys that sign the Debian archive. """
    keyring = Path('/usr/share/keyrings/debian-archive-keyring.gpg')
    if not keyring.exists():
        install_packages('debian-archive-keyring')
    return keyring


def link_addon(folder, addon=REPOSITORY):
    """ Make an addons folder that holds an addon under its technical name.

    The folder of the repository may have any name.

    :param Path folder: The addons folder to make.
    :param Path addon: The folder of the addon.
    :return: The addons folder.
    :rtype: Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / 'payment_aps'
    link.unlink(missing_ok=True)
    link.symlink_to(addon)
    return folder
