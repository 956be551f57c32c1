""" Write the mutants of some functions, or of whole modules, to a file; run by the interpreter that
has cosmic-ray.
"""

import ast
import difflib
import itertools
import json
import sys
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names


def find_function(source, function):
    """ Return the source of a function of a module.

    :param str source: The source of the module.
    :param str function: The name of the function.
    :rtype: str
    """
    node = next(
        node for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    return ast.get_source_segment(source, node) + '\n'


def make_mutants(original, name_of_original):
    """ Return the mutants of a function or a module.

    :param str original: Its source.
    :param str name_of_original: Its name.
    :return: The name, the operator, the changed source and the difference of each mutant.
    :rtype: list[dict]
    """
    mutants = {}
    for name in sorted(operator_names()):
        operator = get_operator(name)
        if operator.arguments():
            continue  # Has to be told which variables to exchange.
        if name.endswith(('_Eq_Is', '_NotEq_IsNot')):
            continue  # Whether equal values are the same one is up to Python.
        for occurrence in itertools.count():
            mutant = mutate_code(original, operator(), occurrence)
            if not mutant:
                break
            mutants.setdefault(mutant, name)
    return [
        {'name': name_of_original, 'operator': name, 'source': mutant,
         'diff': diff(original, mutant)}
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


def main(path, file, *functions):
    """ Write the mutants to a file, as JSON.

    :param str path: The module whose functions to change, or a folder of modules to change whole.
    :param str file: The file.
    :param str functions: The names of the functions, if it is a module.
    :return: None
    """
    path = Path(path)
    if path.is_dir():
        originals = {module.stem: module.read_text('utf-8') for module in sorted(path.glob('*.py'))}
    else:
        source = path.read_text('utf-8')
        originals = {name: find_function(source, name) for name in functions}
    mutants = [make_mutants(original, name) for name, original in originals.items()]
    Path(file).write_text(json.dumps(list(itertools.chain(*mutants))))


if __name__ == '__main__':
    main(*sys.argv[1:])
