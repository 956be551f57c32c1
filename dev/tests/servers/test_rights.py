""" Who may do what over RPC: every own model, method and field, and every kind of person.

A model or a method that is new has no row in the tables here, and so fails until it has one.
"""

import itertools
from typing import NamedTuple

import pytest

from tests.support.digests import read_digests
from tests.support.payments import Merchant
from tests.support.posting import post
from tests.support.rights import (
    PUBLIC,
    REFUSALS,
    find_out,
    list_own_methods,
    make_people,
)
from workbench.rpc import RPCError

NOBODY = frozenset()
ADMINISTRATOR = frozenset({'administrator'})
ACTING = frozenset({'accountant', 'administrator'})
READING = ACTING | {'auditor'}
EMPLOYEES = READING | {'employee'}
LOGGED_IN = EMPLOYEES | {'portal'}
PEOPLE = LOGGED_IN | {PUBLIC}


class Rights(NamedTuple):
    """ Who may do what with the records of a model. """

    read: frozenset = NOBODY
    write: frozenset = NOBODY
    create: frozenset = NOBODY
    unlink: frozenset = NOBODY


MODELS = {
    'payment.aps.charge': Rights(read=ADMINISTRATOR),
    'payment.aps.closing': Rights(read=ACTING, write=ACTING, create=ACTING),
    'payment.aps.dismissal': Rights(read=ACTING, write=ACTING, create=ACTING),
    'payment.aps.go.live': Rights(read=ADMINISTRATOR, write=ADMINISTRATOR, create=ADMINISTRATOR),
    'payment.aps.message': Rights(read=READING),
    'payment.aps.problem': Rights(read=READING),
    'payment.aps.refusal': Rights(read=ADMINISTRATOR, unlink=ADMINISTRATOR),
    'payment.aps.report': Rights(read=READING),
}
ABSTRACT_MODELS = {'payment.aps.record', 'payment.aps.single.use'}  # Without any records.
METHODS = {
    ('payment.aps.closing', 'action_close'): ACTING,
    ('payment.aps.dismissal', 'action_dismiss'): ACTING,
    ('payment.aps.go.live', 'action_check'): ADMINISTRATOR,
    ('payment.aps.go.live', 'action_go_live'): ADMINISTRATOR,
    ('payment.aps.go.live', 'action_go_live_all_the_same'): ADMINISTRATOR,
    ('payment.aps.go.live', 'action_put_right'): ADMINISTRATOR,
    ('payment.aps.go.live', 'create'): ADMINISTRATOR,
    ('payment.aps.message', 'init'): NOBODY,
    ('payment.aps.problem', 'action_dismiss'): ACTING,
    ('payment.aps.problem', 'action_open_dismissal'): ACTING,
    ('payment.aps.problem', 'action_solve'): ACTING,
    ('payment.aps.problem', 'init'): NOBODY,
    ('payment.aps.refusal', 'init'): NOBODY,
    ('payment.aps.report', 'action_aps_open_transaction'): READING,
    ('payment.aps.report', 'init'): NOBODY,
    ('payment.capture.wizard', 'action_capture'): ACTING,
    ('payment.method', 'write'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_check_setup'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_confirm_database'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_look_again'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_make_test_payment'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_prepare_live_payments'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_swap_phrases'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_use_sha_type'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_view_messages'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_view_problems'): ADMINISTRATOR,
    ('payment.provider', 'action_aps_view_refusals'): ADMINISTRATOR,
    ('payment.provider', 'create'): ADMINISTRATOR,
    ('payment.provider', 'write'): ADMINISTRATOR,
    ('payment.refund.wizard', 'action_refund'): {'accountant'},  # As Odoo has it.
    ('payment.transaction', 'action_aps_check_status'): ACTING,
    ('payment.transaction', 'action_aps_close_remaining'): ACTING,
    ('payment.transaction', 'action_aps_open_closing'): ACTING,
    ('payment.transaction', 'action_aps_view_messages'): ACTING,
    ('payment.transaction', 'init'): NOBODY,
}
# Who reads the own fields of a model that Odoo has others read as well, and which are exceptions.
FIELDS = {
    'payment.provider': ADMINISTRATOR,
    'payment.token': ADMINISTRATOR,
    'payment.transaction': ACTING,
}
OTHER_FIELDS = {('payment.token', 'aps_expiry_date'): LOGGED_IN}  # Of their own cards.


# What everybody has to open a window of their own for.
WINDOWS = (
    'payment.aps.closing', 'payment.aps.dismissal', 'payment.aps.go.live', 'payment.capture.wizard',
    'payment.refund.wizard',
)
PROVIDER = {'name': "Rights", 'code': 'aps'}  # One to act on.
# What is called without records.
ARGUMENTS = {'search_read': [[]], 'search_count': [[]], 'init': []}


class Subjects:
    """ Something of each model to act on. """

    def __init__(self, shop):
        """ :param Shop shop: The running shop. """
        self.shop = shop
        self.merchant = Merchant(shop)
        self.merchant.set_manual_capture(True)
        payment, pending = self._make_captured_payment(), self._make_pending_payment()
        self.merchant.set_manual_capture(False)
        payment_id = self._make_booked_payment()
        self.ids = {
            'payment.aps.charge': self._make_charge(),
            'payment.aps.message': self._find('payment.aps.message'),
            'payment.aps.problem': self._find(
                'payment.aps.problem', ('kind', '=', 'operation_failed'), ('state', '=', 'open')
            ),
            'payment.aps.refusal': self._make_refusal(payment),
            'payment.aps.report': self._find('payment.aps.report'),
            'payment.method': shop.rpc.ref('payment.payment_method_card'),
            'payment.provider': shop.rpc.call('payment.provider', 'create', PROVIDER),
            'payment.transaction': payment.id,
        }
        self.values = {
            'payment.aps.closing': {'transaction_id': pending.id, 'reason': "Test"},
            'payment.aps.dismissal': {
                'problem_ids': [(6, 0, [self.ids['payment.aps.problem']])], 'reason': "Test",
            },
            'payment.aps.go.live': {'provider_id': self.ids['payment.provider']},
            'payment.capture.wizard': {
                'transaction_ids': [(6, 0, [payment.id])], 'amount_to_capture': 10,
            },
            'payment.method': {'sequence': 1},
            'payment.provider': PROVIDER,
            'payment.refund.wizard': {'payment_id': payment_id, 'amount_to_refund': 10},
        }

    def _make_captured_payment(self):
        """ Return a payment a part of which was captured, and another was not, for a problem. """
        payment = self.merchant.receive_payment(100)
        payment.capture(40)
        self.merchant.order_fault('CAPTURE', 'answer', response_code='05666')
        payment.capture(10)
        return payment

    def _make_pending_payment(self):
        """ Return a payment without outcome that nobody asks about. """
        payment = self.merchant.open_page(20)
        payment.pay('pending')
        self.shop.query(
            f'UPDATE payment_transaction SET aps_next_check = NULL WHERE id = {payment.id}'
        )
        return payment

    def _make_booked_payment(self):
        """ Return the id of the accounting payment of something that was paid. """
        payment = self.merchant.receive_payment(30, command='PURCHASE')
        payment.open_refund_wizard(10)  # Waits for it.
        return payment.read().payment_id[0]

    def _make_charge(self):
        """ Declare the charge of a saved card, and return its id. """
        return int(self.shop.query(
            "INSERT INTO payment_aps_charge (reference, fingerprint, attempt, values) "
            "VALUES ('RIGHTS', 'x', 'x', '{}') RETURNING id"
        ))

    def _make_refusal(self, payment):
        """ Have a message about a payment refused, and return the id of what is kept of it. """
        message = {'merchant_reference': payment.reference, 'signature': 'x'}
        assert post(f'{self.shop.url}/payment/aps/webhook', message)[0] == 403
        self.shop.rpc.call(
            'payment.provider', 'action_aps_view_refusals', [self.merchant.provider_id]
        )
        return self._find('payment.aps.refusal')

    def _find(self, model, *domain):
        """ Return the id of a record; there must be one. """
        return self.shop.rpc.call(model, 'search', list(domain), limit=1)[0]

    def open_windows(self, people):
        """ Have everybody open each window, those who may not as well.

        :param dict people: The people.
        :return: The ids by the kind of person and the model: those of the windows of somebody else
                 for those who can't open one.
        :rtype: dict
        """
        windows = {}
        for model, (who, client) in itertools.product(WINDOWS, people.items()):
            try:
                windows[who, model] = client.call_model(model, 'create', self.values[model])
            except RPCError as error:
                assert error.kind in REFUSALS
                windows[who, model] = self.shop.rpc.call(model, 'create', self.values[model])
        return windows

    def call(self, who, client, model, method, windows):
        """ Call a method as it has to be called, and return what becomes of that.

        :param str who: The kind of person.
        :param Visitor client: Their client.
        :param str model: The model.
        :param str method: The method.
        :param dict windows: The windows of all.
        :return: See `find_out`.
        :rtype: str
        """
        if method in ARGUMENTS:
            return find_out(client, model, method, *ARGUMENTS[method])
        values = self.values.get(model, {})
        if method == 'create':
            return find_out(client, model, method, values)
        record_id = windows.get((who, model)) or self.ids[model]
        arguments = {
            'read': [['display_name']], 'write': [values],
            'action_dismiss': ["Test"] if model == 'payment.aps.problem' else [],
        }
        return find_out(client, model, method, [record_id], *arguments.get(method, []))

    def save_cards(self, people):
        """ Save a card of everybody who has a login.

        :param dict people: The people.
        :return: The ids by the kind of person; for those without login, that of somebody else.
        :rtype: dict
        """
        rpc, cards = self.shop.rpc, {}
        for who in sorted(LOGGED_IN):
            [user] = rpc.call('res.users', 'read', [people[who].user['uid']], ['partner_id'])
            cards[who] = rpc.call('payment.token', 'create', {
                'provider_id': self.merchant.provider_id, 'partner_id': user['partner_id'][0],
                'payment_method_id': rpc.ref('payment.payment_method_card'),
                'provider_ref': f'rights-{who}', 'payment_details': '1234',
            })
        return {PUBLIC: cards['portal'], **cards}

    def clean_up(self):
        """ Leave nothing that other tests would meet. """
        self.shop.query(
            "DELETE FROM payment_aps_charge WHERE reference = 'RIGHTS'; "
            "DELETE FROM payment_token WHERE provider_ref LIKE 'rights-%'"
        )
        providers = self.shop.rpc.search_read(
            'payment.provider', [('name', '=', PROVIDER['name'])], ['id']
        )
        self.shop.rpc.call('payment.provider', 'unlink', [row['id'] for row in providers])


@pytest.fixture(scope='module')
def people(shop):
    """ Somebody of each kind. """
    return make_people(shop)


@pytest.fixture(scope='module')
def subjects(shop):
    """ Something of each model. """
    subjects = Subjects(shop)
    yield subjects
    subjects.clean_up()


@pytest.fixture(scope='module')
def windows(subjects, people):
    """ The windows that everybody has open. """
    return subjects.open_windows(people)


def list_calls():
    """ Return all that can be called: the model, the method, and who may. """
    calls = [
        (model, operation, allowed)
        for model, rights in MODELS.items() for operation, allowed in rights._asdict().items()
    ]
    # Other ways to read.
    calls += [
        (model, method, rights.read)
        for model, rights in MODELS.items() for method in ('search_read', 'search_count')
    ]
    return calls + [(*key, allowed) for key, allowed in METHODS.items()]


def test_all_own_models_and_methods_have_a_row(shop):
    names = shop.rpc.search_read('ir.model', [('model', '=like', 'payment.aps.%')], ['model'])
    assert {row['model'] for row in names} == set(MODELS) | ABSTRACT_MODELS
    assert list_own_methods() == set(METHODS)


def test_who_may_not_is_refused_and_writes_nothing(quiet_shop, people, subjects, windows, tell):
    calls = [
        (who, model, method)
        for model, method, allowed in list_calls() for who in sorted(PEOPLE - allowed)
    ]
    before = read_digests(quiet_shop)

    wrong = [
        (*call, outcome) for call in calls
        if (outcome := subjects.call(call[0], people[call[0]], *call[1:], windows)) != 'refused'
    ]

    assert not wrong, '\n'.join(map(' '.join, wrong))
    assert read_digests(quiet_shop) == before
    tell(f"{len(calls)} calls of {len(MODELS)} models and {len(METHODS)} methods by those of "
         f"{len(PEOPLE)} kinds of people who may not: all refused, nothing written")


def test_who_may_is_let_through(people, subjects, windows, tell):
    """ A button may say that there is nothing to do any more, as others have used it before. """
    calls = [
        (who, model, method)
        for model, method, allowed in list_calls() for who in sorted(allowed)
    ]

    outcomes = {
        call: subjects.call(call[0], people[call[0]], *call[1:], windows) for call in calls
    }

    wrong = [
        (*call, outcome) for call, outcome in outcomes.items()
        if outcome not in ('done', 'hindered')
    ]
    assert not wrong, '\n'.join(map(' '.join, wrong))
    done = [*outcomes.values()].count('done')
    tell(f"{len(calls)} calls by those who may: {done} done, {len(calls) - done} had nothing to do")


def test_own_fields_are_read_by_whom_they_are_meant_for(shop, people, subjects, tell):
    cards = subjects.save_cards(people)
    fields = [
        (row['model'], row['name']) for row in shop.rpc.search_read('ir.model.fields', [
            ('model', 'in', list(FIELDS)), ('name', '=like', 'aps_%'),
        ], ['model', 'name'])
    ]

    wrong = []
    for (model, name), (who, client) in itertools.product(fields, people.items()):
        record_id = cards[who] if model == 'payment.token' else subjects.ids[model]
        outcome = find_out(client, model, 'read', [record_id], [name])
        allowed = OTHER_FIELDS.get((model, name), FIELDS[model])
        if outcome != ('done' if who in allowed else 'refused'):
            wrong.append((who, model, name, outcome))

    assert not wrong, '\n'.join(map(' '.join, wrong))
    tell(f"{len(fields)} fields, each read by {len(people)} kinds of people")
