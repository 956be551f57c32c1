""" The pictures of the store page, made anew from a demo. """

import json
import os
from pathlib import Path

from .guide import get_form, get_list
from .shop import PRODUCT
from .showcase import MORE_PRODUCTS, Orders
from .system import DEV, REPOSITORY, Failure, run, say
from .venvs import get_python

FOLDER = REPOSITORY / 'static' / 'description'
MAX_SIZE = 200_000  # The bytes of a picture: who looks at the page downloads all of them.
# How the payments of the last two weeks ended, the latest day first; else the chart would have one
# bar. The sandbox decides them, and Odoo finds out as ever; only their days are put back.
HISTORY = (
    ('success', 'success'), ('success',), ('success', 'declined'), ('success', 'success'),
    ('success',), ('success', 'success'), ('insufficient_funds', 'success'), ('success',),
    ('success', 'success'), ('success',), ('success', 'cancel'), ('success', 'success'),
    ('success',), ('success', 'success'),
)
FORGOTTEN_DAYS = 6  # The age of an authorization that is about to lapse.
PUT_BACK = """
    UPDATE payment_transaction
       SET create_date = create_date - make_interval(days => {days}),
           last_state_change = last_state_change - make_interval(days => {days})
     WHERE reference = '{reference}'
"""


def take_pictures(stack, folder):
    """ Take the pictures in a browser.

    :param Stack stack: The running demo.
    :param str folder: The folder that takes them.
    :return: The exit status: 0 if each is there and small enough.
    :rtype: int
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    say("Having shoppers pay for two weeks...")
    prepare_history(stack)
    say("Taking pictures...")
    names = photograph(stack, folder)
    shrink(stack, [folder / name for name in names])
    sizes = {name: (folder / name).stat().st_size for name in names}
    for name, size in sizes.items():
        say(f"  {folder / name}: {size / 1000:.0f} kB")
    return 0 if max(sizes.values()) <= MAX_SIZE else 1


def prepare_history(stack):
    """ Have there been payments on several days, and an authorization that nobody captures.

    :param Stack stack: The running demo.
    """
    orders = Orders(stack)
    products = [PRODUCT, *MORE_PRODUCTS]
    for days, outcomes in reversed(list(enumerate(HISTORY))):
        for number, outcome in enumerate(outcomes):
            order = orders.order(products[(days + number) % len(products)])
            put_back(stack, orders.visitor.pay_order(order, status=outcome), days)
    put_back(stack, find_authorized(stack)['reference'], FORGOTTEN_DAYS)
    watch_id = stack.rpc.ref('payment_aps.ir_cron_aps_watch')
    stack.rpc.call('ir.cron', 'method_direct_trigger', [watch_id])


def put_back(stack, reference, days):
    """ Have a payment been made some days before, which only the database can be told. """
    stack.postgres.query(stack.database, PUT_BACK.format(reference=reference, days=days))


def find_authorized(stack):
    """ Return the payment of the demo that waits to be captured. """
    [transaction] = stack.rpc.search_read(
        'payment.transaction', [('state', '=', 'authorized')], ['reference']
    )
    return transaction


def photograph(stack, folder):
    """ Have a browser take the pictures.

    :param Stack stack: The running demo.
    :param Path folder: The folder that takes them.
    :return: The names of the files.
    :rtype: list[str]
    """
    place = json.dumps({
        'url': stack.url, 'database': stack.database, 'folder': str(folder.resolve()),
        'pages': list_pages(stack),
    })
    result = run(
        [get_python('tools'), '-m', 'workbench.photographer', place], what="Taking the pictures",
        env={**os.environ, 'PYTHONPATH': str(DEV), 'PYTHONDONTWRITEBYTECODE': '1'},
    )
    names = result.stdout.split()
    if not names:
        raise Failure("No picture was taken.")
    return names


def list_pages(stack):
    """ Return the addresses of the pages of the backend. """
    provider_id = stack.rpc.ref('payment.payment_provider_aps')
    authorized_id = find_authorized(stack)['id']
    return {
        'provider': stack.url + get_form(stack, 'payment.provider', provider_id),
        'authorized': stack.url + get_form(stack, 'payment.transaction', authorized_id),
        **{
            name: stack.url + get_list(stack, f'payment_aps.action_payment_aps_{name}')
            for name in ('report', 'problem', 'message')
        },
    }


def shrink(stack, files):
    """ Give pictures a palette, by Pillow, which each Odoo brings along. """
    run(
        [stack.odoo.python, DEV / 'workbench' / 'palette.py', *files],
        what="Making the pictures smaller",
    )
