""" Write the mutants of the modules of a package to a file; run by the interpreter that has
cosmic-ray.
"""

import ast
import difflib
import itertools
import json
import re
import sys
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

# Takes equality, or an order, for identity, or the other way round.
IDENTITY = re.compile('_(Eq|NotEq|LtE?|GtE?)_Is(Not)?$|_Is_Eq$|_IsNot_NotEq$')
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def holds_functions(source):
    """ Return whether a module does something; what only holds data has no rule to break. """
    return any(isinstance(node, FUNCTIONS) for node in ast.walk(ast.parse(source)))


def make_mutants(original, module):
    """ Return the mutants of a module.

    :param str original: Its source.
    :param str module: Its name.
    :return: The module, the operator, the changed source and the difference of each mutant.
    :rtype: list[dict]
    """
    mutants = {}
    for name in sorted(operator_names()):
        operator = get_operator(name)
        if operator.arguments():
            continue  # Has to be told which variables to exchange.
        if IDENTITY.search(name):
            continue  # Whether equal values are the same one is up to Python.
        for occurrence in itertools.count():
            mutant = mutate_code(original, operator(), occurrence)
            if not mutant:
                break
            mutants.setdefault(mutant, name)
    return [
        {'module': module, 'operator': name, 'source': mutant, 'diff': diff(original, mutant)}
        for mutant, name in mutants.items() if is_code(mutant, original)
    ]


def is_code(mutant, original):
    """ Return whether a mutant is valid and differs in more than its form. """
    try:
        return ast.dump(ast.parse(mutant)) != ast.dump(ast.parse(original))
    except SyntaxError:
        return False


def diff(original, mutant):
    """ Return the changed lines. """
    lines = difflib.unified_diff(original.splitlines(), mutant.splitlines(), n=0, lineterm='')
    return '\n'.join(line for line in lines if not line.startswith(('---', '+++', '@@')))


def main(package, file, *modules):
    """ Write the mutants to a file, as JSON.

    :param str package: The folder of the package.
    :param str file: The file.
    :param str modules: The names of the only modules to change, if not all of them.
    :return: None
    """
    originals = {
        path.stem: path.read_text('utf-8') for path in sorted(Path(package).glob('*.py'))
        if path.stem != '__init__' and path.stem in (modules or (path.stem,))
    }
    mutants = [
        make_mutants(original, module) for module, original in originals.items()
        if holds_functions(original)
    ]
    Path(file).write_text(json.dumps(list(itertools.chain(*mutants))))


if __name__ == '__main__':
    main(*sys.argv[1:])
