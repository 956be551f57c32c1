""" Write the mutants of some functions to a file; run by the interpreter that has cosmic-ray. """

import ast
import difflib
import itertools
import json
import sys
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names


def make_mutants(source, function):
    """ Return the mutants of a function.

    :param str source: The source of the module.
    :param str function: The name of the function.
    :return: The operator, the changed source and the difference of each mutant.
    :rtype: list[dict]
    """
    node = next(
        node for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    original = ast.get_source_segment(source, node) + '\n'
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
        {'function': function, 'operator': name, 'source': mutant, 'diff': diff(original, mutant)}
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


if __name__ == '__main__':
    module, file, *names = sys.argv[1:]
    text = Path(module).read_text(encoding='utf-8')
    Path(file).write_text(json.dumps([m for name in names for m in make_mutants(text, name)]))
