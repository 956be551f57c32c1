""" Run the tests of the package `aps` on mutants of it; run by the interpreter of the tools. """

import importlib.abc
import importlib.util
import json
import os
import resource
import sys
import time
from pathlib import Path

import pytest
from hypothesis import settings

# A mutant that needs many times what the tests need runs for ever, and was noticed. Time is that of
# the processor, so that it doesn't matter how busy the machine is.
PATIENCE = 5
MEMORY = 4 * 1024 ** 3
# Only whether a test fails matters, not how: to explain it costs half of the time.
OPTIONS = ('-q', '-x', '-p', 'no:cacheprovider', '--assert=plain')
PROGRESS = 15  # The seconds between two lines of progress.


class MutantLoader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """ Has one module of a package imported from another source than its file. """

    def __init__(self, name, source):
        """
        :param str name: The full name of the module.
        :param str source: Its source.
        """
        self.name, self.source = name, source

    def find_spec(self, fullname, path, target=None):
        """ Return where the module comes from; other modules are found as usual. """
        if fullname != self.name:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module):
        """ Run the source. """
        exec(compile(self.source, self.name, 'exec'), vars(module))


class Runner:
    """ Runs mutants side by side, each in a process of its own that has imported no module yet. """

    def __init__(self, package, tests):
        """
        :param Path package: The folder of the package.
        :param Path tests: The folder of the tests, whose conftest imports the package.
        """
        self.package, self.tests = package, tests
        self.seconds = resource.RLIM_INFINITY

    def measure(self):
        """ Run the tests on the code as it is, and see how much time they need.

        :return: Whether they pass.
        :rtype: bool
        """
        _process, status, usage = os.wait4(self.start(), 0)
        self.seconds = 1 + round(PATIENCE * usage.ru_utime)
        return status == 0

    def list_tests(self, module):
        """ Return the files of the tests, in the order in which to run them.

        :param str module: The module that may be broken.
        :return: That of the module, if there is one, which notices it the soonest; then the others.
        :rtype: list[list[Path]]
        """
        files = sorted(self.tests.glob('test_*.py'))
        own = [file for file in files if file.stem == f'test_{module}']
        return [group for group in (own, [file for file in files if file not in own]) if group]

    def start(self, mutant=None):
        """ Start the tests on a mutant, or on the code as it is.

        :param dict mutant: The mutant, if any.
        :return: The number of the process.
        :rtype: int
        """
        process = os.fork()
        if not process:
            self._run_tests(mutant or {'module': '', 'source': ''})
        return process

    def _run_tests(self, mutant):
        """ Run the tests in this process, whose exit status says whether all of them pass. """
        status = 1
        try:
            for kind, limit in (
                (resource.RLIMIT_CPU, self.seconds), (resource.RLIMIT_AS, MEMORY),
                (resource.RLIMIT_CORE, 0),
            ):
                resource.setrlimit(kind, (limit, limit))
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            name = f'{self.package.name}.{mutant["module"]}'
            sys.meta_path.insert(0, MutantLoader(name, mutant['source']))
            status = int(any(
                pytest.main([*OPTIONS, *map(str, files)])
                for files in self.list_tests(mutant['module'])
            ))
        finally:
            os._exit(status)

    def find_survivors(self, mutants):
        """ Run the tests on mutants, as many at a time as there are cores.

        :param list[dict] mutants: The mutants.
        :return: Those that no test notices.
        :rtype: list[dict]
        """
        waiting, running, survivors = list(reversed(mutants)), {}, []
        last = time.monotonic()
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                mutant = waiting.pop()
                running[self.start(mutant)] = mutant
            process, status = os.waitpid(-1, os.WNOHANG)
            if process:
                mutant = running.pop(process)
                if status == 0:
                    survivors.append(mutant)
                    say(f"SURVIVED {mutant['module']}: {mutant['operator']}\n{mutant['diff']}")
            else:
                time.sleep(0.02)
            if time.monotonic() - last > PROGRESS:
                last = time.monotonic()
                done = len(mutants) - len(waiting) - len(running)
                say(f"  {done} of {len(mutants)} mutants were run, {len(survivors)} survived")
        return survivors


def say(text):
    """ Print at once. """
    print(text, flush=True)


def main(package, tests, mutants_file, survivors_file):
    """ Print the mutants that survive, and write their number by module to a file.

    :param str package: The folder of the package.
    :param str tests: The folder of its tests.
    :param str mutants_file: The mutants.
    :param str survivors_file: The file that takes the number of mutants and of survivors by module.
    :return: None
    """
    # So that two runs tell the same.
    settings.register_profile('mutation', derandomize=True, database=None)
    settings.load_profile('mutation')
    runner = Runner(Path(package), Path(tests))
    if not runner.measure():
        sys.exit("The tests fail without any mutant.")
    mutants = json.loads(Path(mutants_file).read_text())
    say(f"Running the tests on {len(mutants)} mutants...")
    outcomes = {mutant['module']: [0, 0] for mutant in mutants}
    for column, found in enumerate((mutants, runner.find_survivors(mutants))):
        for mutant in found:
            outcomes[mutant['module']][column] += 1
    Path(survivors_file).write_text(json.dumps(outcomes))


if __name__ == '__main__':
    main(*sys.argv[1:])
