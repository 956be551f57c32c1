""" What is asked, in its order.

Each step is one request. Its first question is what the answer is; others are asked of the same
answer. What APS's documents leave open, or say in two ways, is marked by (*).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

AMOUNT, FIRST_CAPTURE, SECOND_CAPTURE, FIRST_REFUND, SECOND_REFUND = 10000, 6000, 4000, 2000, 3000
LONG_REFERENCE = 41  # One more than the shorter of the two documented lengths.
LONG_AMOUNT = '10000000000'  # One digit more than is documented.
EMAIL, IP = 'contract@example.com', '192.0.2.10'
# What no account has.
WRONG_MERCHANT, WRONG_ACCESS_CODE = 'NoSuchMerchant', 'NoSuchAccessCode'


class Ours(NamedTuple):
    """ Stands for the reference that we give something. """

    name: str
    length: int = 0  # To which it is filled up.


class Told(NamedTuple):
    """ Stands for a value that APS has told before. """

    step: str
    name: str


class Setting(NamedTuple):
    """ Stands for a setting of the run. """

    name: str


class Card(NamedTuple):
    """ A documented test card. """

    number: str
    expiry: str
    code: str


CARDS = {
    'Visa': Card('4005550000000001', '05/30', '123'),
    'Mastercard': Card('5123456789012346', '05/30', '123'),
    'American Express': Card('345678901234564', '05/30', '1234'),
    'Visa with 3-D Secure': Card('4557012345678902', '05/30', '123'),
    'Mastercard with 3-D Secure': Card('5313581000123430', '05/30', '123'),
    'American Express with 3-D Secure': Card('374200000000004', '05/30', '1234'),
    'mada': Card('5297412542005689', '05/25', '350'),
    'Meeza': Card('5078036221028566', '09/23', '143'),
}
WRONG_CODE = '999'


@dataclass(frozen=True)
class Step:
    """ One request, and what is to be learned by it.

    :param str name: The name, which its reference ends in.
    :param str question: What the code of the answer is about.
    :param dict fields: The fields of the request, without who sends it.
    :param dict visit: What a shopper does on the payment page, see `Visit.run`; `None` of a request
                       to the API.
    :param str signer: How it is signed, one of `exchanges.SIGNERS`.
    :param str state: What the addon must make of any answer of APS, if that is beyond doubt.
    :param dict asks: The other questions, by what reads the answer, one of `questions.READERS`.
    """

    name: str
    question: str
    fields: dict
    visit: dict | None = None
    signer: str = 'request'
    state: str | None = None
    asks: dict = field(default_factory=dict)


def pay(reference, card='Visa', **values):
    """ Return the fields of a payment page's request, and a visit that pays.

    :param str reference: The step whose reference it has.
    :param str card: The card that is entered, one of `CARDS`.
    :param values: What differs of the fields; those that are `None` are left out; and, as `visit`,
                   what differs of the visit.
    :return: The values of a step.
    :rtype: dict
    """
    visit = {'action': 'pay', 'card': card, **values.pop('visit', {})}
    fields = {
        'command': 'PURCHASE', 'merchant_reference': Ours(reference), 'amount': str(AMOUNT),
        'currency': Setting('currency'), 'language': 'en', 'customer_email': EMAIL,
        'return_url': Setting('return_url'), 'order_description': f'Order {AMOUNT}',
        'customer_ip': IP, **values,
    }
    return {'fields': fields, 'visit': visit}


def operate(command, payment, **values):
    """ Return the fields of an operation on a payment, without amount by default. """
    if values.get('amount'):
        values = {**values, 'amount': str(values['amount']), 'currency': Setting('currency')}
    return {'fields': {
        'command': command, 'language': 'en', 'merchant_reference': Ours(payment),
        'fort_id': Told(payment, 'fort_id'), **values,
    }}


def check(payment, **values):
    """ Return the fields of a query about a payment. """
    return {'fields': {
        'query_command': 'CHECK_STATUS', 'language': 'en', 'merchant_reference': Ours(payment),
        **values,
    }}


def charge(reference, **values):
    """ Return the fields of a charge of the saved card without shopper. """
    return {'fields': {
        'command': 'PURCHASE', 'merchant_reference': Ours(reference), 'amount': str(AMOUNT),
        'currency': Setting('currency'), 'language': 'en', 'customer_email': EMAIL,
        'customer_ip': IP, 'eci': 'RECURRING', 'token_name': Told('save-card', 'token_name'),
        **values,
    }}


LOOK = {'action': 'look'}
TOLD = {'told': "Which sums does it tell?"}
FORT_ID = {'fort_id': Told('authorize', 'fort_id')}

CREDENTIALS = (
    Step('check', "Is a query about an unknown payment answered? (*)", **check('check'),
         state="unknown payment", asks={'case': "Which case has the signature of an answer? (*)"}),
    Step('wrong-phrase', "And if the request phrase is wrong? Is the refusal signed? (*)",
         **check('check'), signer='another phrase'),
    Step('swapped-phrases', "If the two phrases are swapped?", **check('check'), signer='response'),
    Step('wrong-sha-type', "If the SHA type is another one?", **check('check'),
         signer='another SHA type'),
    Step('wrong-access-code', "If the access code is wrong?",
         **check('check', access_code=WRONG_ACCESS_CODE)),
    Step('wrong-merchant', "If the merchant identifier is wrong?",
         **check('check', merchant_identifier=WRONG_MERCHANT)),
    Step('capitals', "If the signature is in upper case? (*)", **check('check'),
         signer='request, in capitals', state="unknown payment"),
    Step('empties', "If an empty field is sent and signed? (*)", **check('check', fort_id='')),
    Step('empties-unsigned', "If an empty field is sent and not signed? (*)",
         **check('check', fort_id=''), signer='request, without empty fields'),
    Step('extra-field', "If a field is sent that the API doesn't know?",
         **check('check', contract_extra='1')),
)
PURCHASES = (
    Step('purchase', "Is a card charged, and the return believed?",
         **pay('purchase', order_description=f"Shopper's order {AMOUNT}"), state='done', asks={
             'way': "How does the browser return? (*)",
             'echo': "Which fields of the request come back?",
             'news': "Which fields of the return does the addon not know?",
             'entities': "How is an apostrophe written? (*)",
             'empties': "Are empty fields of the return signed? (*)",
             'card': "How is the number of the card masked?",
         }),
    Step('purchase-status', "What is told of a purchase?",
         **check('purchase', fort_id=Told('purchase', 'fort_id')), state='done',
         asks={**TOLD, 'news': "Which fields of the answer does the addon not know?"}),
    Step('purchase-by-number', "Is the number enough to ask? (*)",
         **check('purchase', merchant_reference=None, fort_id=Told('purchase', 'fort_id'))),
    Step('purchase-bank-codes', "Are the codes of the bank told if wanted?",
         **check('purchase', return_third_party_response_codes='YES'), state='done',
         asks={'bank codes': "Which ones?"}),
    Step('duplicate', "If a reference is used again?", **pay('purchase', visit=LOOK)),
    Step('mastercard', "Is a Mastercard charged?", **pay('mastercard', 'Mastercard'), state='done'),
    Step('amex', "Is an American Express charged?", **pay('amex', 'American Express'),
         state='done', asks={'card': "How is its number masked?"}),
    Step('mada', "Is a mada card charged? (*)", **pay('mada', 'mada', currency='SAR')),
    Step('meeza', "Is a Meeza card charged? (*)", **pay('meeza', 'Meeza', currency='EGP')),
    Step('3ds', "Is a card with 3-D Secure charged?", **pay('3ds', 'Visa with 3-D Secure'),
         state='done'),
    Step('3ds-mastercard', "And a Mastercard?",
         **pay('3ds-mastercard', 'Mastercard with 3-D Secure'), state='done'),
    Step('3ds-amex', "And an American Express?",
         **pay('3ds-amex', 'American Express with 3-D Secure'), state='done'),
    Step('3ds-failed', "If 3-D Secure is failed?",
         **pay('3ds-failed', 'Visa with 3-D Secure', visit={'challenge': 'fail'})),
    Step('cancel', "If the shopper cancels? (*)", **pay('cancel', visit={'action': 'cancel'})),
    Step('cancel-status', "What is told of a cancelled payment?", **check('cancel'), asks=TOLD),
    Step('decline', "If the security code is wrong?",
         **pay('decline', visit={'code': WRONG_CODE})),
    Step('decline-status', "What is told of a declined payment?", **check('decline'), asks=TOLD),
    Step('arabic', "Are Arabic letters accepted in a description? (*)",
         **pay('arabic', language='ar', order_description='طلب', visit={'action': 'cancel'})),
    Step('page-wrong-phrase', "Where does a shopper end up whose form is wrongly signed? (*)",
         **pay('page-wrong-phrase', visit=LOOK), signer='another phrase'),
    Step('page-extra-field', "If the form has a field that APS doesn't know?",
         **pay('page-extra-field', contract_extra='1', visit=LOOK)),
    Step('page-plugin-fields', "If it has those by which APS's own plugins tell their names? (*)",
         **pay('page-plugin-fields', app_programming='Python', app_framework='Odoo', visit=LOOK)),
    Step('long-amount', "If the amount has more than ten digits? (*)",
         **pay('long-amount', amount=LONG_AMOUNT, visit=LOOK)),
    Step('open', "Where does a shopper wait who doesn't pay?", **pay('open', visit=LOOK)),
    Step('open-status', "What is told of a payment while its page is open?", **check('open'),
         asks=TOLD),
    Step('open-again', "If its form is sent again?", **pay('open', visit=LOOK)),
)
OPERATIONS = (
    Step('authorize', "Is an amount reserved?", **pay('authorize', command='AUTHORIZATION'),
         state='authorized'),
    Step('authorize-status', "What is told of it?", **check('authorize', **FORT_ID),
         state='authorized', asks=TOLD),
    Step('capture', "Is a part captured?", **operate('CAPTURE', 'authorize', amount=FIRST_CAPTURE),
         state='done', asks={'number': "Whose number has the answer? (*)"}),
    Step('capture-status', "What is told then? (*)", **check('authorize', **FORT_ID),
         state='authorized', asks=TOLD),
    Step('capture-too-much', "If more is captured than is left?",
         **operate('CAPTURE', 'authorize', amount=AMOUNT)),
    Step('void-after-capture', "If the rest is voided?",
         **operate('VOID_AUTHORIZATION', 'authorize')),
    Step('capture-again', "Is the rest captured? (*)",
         **operate('CAPTURE', 'authorize', amount=SECOND_CAPTURE)),
    Step('capture-again-status', "What is told then? (*)", **check('authorize', **FORT_ID),
         asks=TOLD),
    Step('refund', "Is a part refunded, at once? (*)",
         **operate('REFUND', 'authorize', amount=FIRST_REFUND,
                   maintenance_reference=Ours('refund')),
         asks={'number': "Whose number has the answer? (*)",
               'echo': "Which fields of the request come back?"}),
    Step('refund-status', "What is told then? Does the captured sum shrink? (*)",
         **check('authorize', **FORT_ID), asks=TOLD),
    Step('refund-by-reference', "What is told of that refund?",
         **check('authorize', maintenance_reference=Ours('refund')), asks=TOLD),
    Step('refund-unknown', "What is told of a refund that APS doesn't know?",
         **check('authorize', maintenance_reference=Ours('refund-unknown'))),
    Step('refund-repeated', "If its reference is used again?",
         **operate('REFUND', 'authorize', amount=FIRST_REFUND,
                   maintenance_reference=Ours('refund'))),
    Step('refund-again', "Is another part refunded?",
         **operate('REFUND', 'authorize', amount=SECOND_REFUND,
                   maintenance_reference=Ours('refund-again'))),
    Step('refund-again-status', "What is told then?", **check('authorize', **FORT_ID), asks=TOLD),
    Step('refund-too-much', "If more is refunded than is left?",
         **operate('REFUND', 'authorize', amount=AMOUNT,
                   maintenance_reference=Ours('refund-too-much'))),
    Step('refund-long', f"If the reference of a refund has {LONG_REFERENCE} characters? (*)",
         **operate('REFUND', 'authorize', amount=1,
                   maintenance_reference=Ours('refund-long', LONG_REFERENCE))),
    Step('reserve', "Is another amount reserved?", **pay('reserve', command='AUTHORIZATION'),
         state='authorized'),
    Step('void-with-amount', "If a void names its amount? (*)",
         **operate('VOID_AUTHORIZATION', 'reserve', amount=AMOUNT)),
    Step('void', "Is an authorization voided?", **operate('VOID_AUTHORIZATION', 'reserve'),
         asks={'number': "Whose number has the answer? (*)"}),
    Step('void-status', "What is told then?",
         **check('reserve', fort_id=Told('reserve', 'fort_id')), asks=TOLD),
    Step('void-again', "If it is voided again?", **operate('VOID_AUTHORIZATION', 'reserve')),
    Step('mada-reserve', "If a mada card is to be reserved? (*)",
         **pay('mada-reserve', 'mada', currency='SAR', command='AUTHORIZATION')),
)
SAVED_CARDS = (
    Step('save-card', "Is a card saved if the form proposes it? (*)",
         **pay('save-card', remember_me='YES', visit={'save': True}),
         asks={'token': "What is told of it? (*)"}),
    Step('charge', "Is it charged without the shopper, and without agreement? (*)",
         **charge('charge'), asks={'token': "What is told of the saved card?"}),
    Step('charge-status', "What is told of the charge?", **check('charge'), asks=TOLD),
    Step('charge-repeated', "If the reference of a charge is used again?", **charge('charge')),
    Step('pay-by-saved-card', "Is it charged on the payment page?",
         **pay('pay-by-saved-card', token_name=Told('save-card', 'token_name'),
               visit={'saved': True})),
    Step('save-for-series', "Is a card saved with an agreement about later charges? (*)",
         **pay('save-for-series', remember_me='YES', agreement_id=Ours('save-for-series'),
               recurring_mode='UNSCHEDULED', visit={'save': True}),
         asks={'token': "What is told of it?"}),
    Step('charge-in-series', "Is it charged without the shopper?",
         **charge('charge-in-series', token_name=Told('save-for-series', 'token_name'),
                  agreement_id=Told('save-for-series', 'agreement_id'))),
    Step('forget-card', "Is the saved card switched off?", fields={
        'service_command': 'UPDATE_TOKEN', 'language': 'en',
        'merchant_reference': Ours('forget-card'), 'token_name': Told('save-card', 'token_name'),
        'token_status': 'INACTIVE',
    }),
    Step('charge-forgotten', "If it is charged then?", **charge('charge-forgotten')),
)
STEPS = (*CREDENTIALS, *PURCHASES, *OPERATIONS, *SAVED_CARDS)
# What can't be learned here.
NOT_ASKED = (
    "notifications: their body, their order, how often they come again; they need a "
    "public address",
    "what takes days: when an authorization lapses, until when refunds are possible",
    "what only some accounts have: local methods, wallets, installments, HMAC, currencies "
    "without or with three decimals",
    "failures of APS: codes such as 15777, statuses such as 13006, answers that don't come",
)
