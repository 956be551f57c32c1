""" What to open in a running demo. """

from .shop import PORTAL
from .showcase import ACCOUNTANT, NEIGHBOURS, get_login
from .system import say

# The lists of the addon, by the external identifier of their action.
LISTS = (
    ("Payments", 'action_payment_aps_transaction'),
    ("Problems", 'action_payment_aps_problem'),
    ("Messages", 'action_payment_aps_message'),
)


def describe(stack, orders, obstacle=None):
    """ Print what to open, with which login, and what can be tried.

    :param Stack stack: The running shop.
    :param list[tuple[str, str]] orders: The orders, as pairs of name and what became of it.
    :param str obstacle: Why Arabic is shown from left to right, if so.
    :return: None
    """
    sections = (
        ("Open", list_pages(stack)),
        ("Log in as", list_logins()),
        ("Orders of the shopper", orders),
        ("Cards, on the payment page", list_cards(stack)),
    )
    say(f"\nThe shop of Odoo {stack.odoo.series} is open.")
    for title, rows in sections:
        say(f"\n{title}")
        width = max(len(name) for name, _text in rows)
        for name, text in rows:
            say(f"  {name:<{width}}  {text}")
    if obstacle:
        say(f"\n{obstacle}")
    say("\nPress Ctrl-C to stop.")


def list_pages(stack):
    """ Return the pages to open, as pairs of name and address. """
    provider_id = stack.rpc.ref('payment.payment_provider_aps')
    return [
        ("Shop", f'{stack.url}/shop'),
        ("Shop in Arabic", f'{stack.url}/ar/shop'),
        ("Backend", stack.url + get_backend(stack)),
        ("Provider (admin)", stack.url + get_form(stack, 'payment.provider', provider_id)),
        *list_lists(stack),
        ("Sandbox", f'{stack.sandbox.url}/ (plays APS: payments, notifications, refused requests)'),
    ]


def list_lists(stack):
    """ Return the lists of the addon, as pairs of name and address. """
    return [(label, stack.url + get_list(stack, f'payment_aps.{name}')) for label, name in LISTS]


def has_short_addresses(stack):
    """ Return whether the backend is at `/odoo`, as in the series after 17.0. """
    return float(stack.odoo.series) > 17


def get_backend(stack):
    """ Return the path of the backend. """
    return '/odoo' if has_short_addresses(stack) else '/web'


def get_form(stack, model, record_id):
    """ Return the path of a record's form. """
    if has_short_addresses(stack):
        return f'/odoo/{model}/{record_id}'
    return f'/web#model={model}&id={record_id}&view_type=form'


def get_list(stack, xmlid):
    """ Return the path of an action's list. """
    return f'/odoo/action-{xmlid}' if has_short_addresses(stack) else f'/web#action={xmlid}'


def list_logins():
    """ Return who can log in, as pairs of login with password and what they can try. """
    return [
        ("admin / admin", "administrator"),
        (f"{ACCOUNTANT['login']} / {ACCOUNTANT['password']}", "accountant"),
        (f"{PORTAL['login']} / {PORTAL['password']}",
         "shopper in Dubai, pays in AED; or stay a guest"),
        *(
            (f'{get_login(country)} / {get_login(country)}', f"shopper in {city}, pays in {code}")
            for country, (code, _name, _street, city, *_rest) in NEIGHBOURS.items()
        ),
    ]


def list_cards(stack):
    """ Return the test cards of the sandbox, as pairs of number and what becomes of it. """
    cards = stack.sandbox.request('GET', 'cards')['cards']
    return [
        (card['number'], f"{card['expiry'][2:]}/{card['expiry'][:2]}  {card['cvv']:<4}  "
                         f"{card['scheme']}: {card['label']}")
        for card in cards
    ] + [("other methods", "have a button for each outcome")]
