""" The facts of Amazon Payment Services (APS) that the addon relies on, as data.

Sources, unless a table names another:
https://paymentservices.amazon.com/docs/api and
https://paymentservices-reference.payfort.com/docs/api/build/index.html
"""

import itertools
from typing import NamedTuple

# The hosts of APS by purpose and state of the provider; the same for all countries.
HOSTS = {
    'checkout': {
        'enabled': 'https://checkout.payfort.com',
        'test': 'https://sbcheckout.payfort.com',
    },
    'api': {
        'enabled': 'https://paymentservices.payfort.com',
        'test': 'https://sbpaymentservices.payfort.com',
    },
}
PAYMENT_PAGE_PATH = '/FortAPI/paymentPage'
PAYMENT_API_PATH = '/FortAPI/paymentApi'

# How long to wait for a connection to the API and for its answer, in seconds. An operation that was
# not answered in time is settled by the status check, so there is no need to wait for long.
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 25

# The SHA types that can be chosen in the dashboard. The HMAC forms are those of APS's official
# plugins; the documentation does not describe them.
SHA_TYPES = [
    ('sha256', "SHA-256"),
    ('sha512', "SHA-512"),
    ('hmac256', "HMAC-256"),
    ('hmac512', "HMAC-512"),
]
DEFAULT_SHA_TYPE = 'sha256'

# The languages of the payment page and of `response_message`.
DEFAULT_LANGUAGE = 'en'
SUPPORTED_LANGUAGES = ('en', 'ar')

# The number of decimals of the amounts, for currencies that don't have two of them. It is fixed by
# APS and independent of the currency's rounding in Odoo.
DEFAULT_CURRENCY_DECIMALS = 2
CURRENCY_DECIMALS = {
    **dict.fromkeys(('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'), 3),
    **dict.fromkeys((
        'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV',
        'XAF', 'XOF', 'XPF',
    ), 0),
}

# The currencies that APS merchants commonly have; APS publishes no full list. The currencies of a
# provider can be changed in its form, and APS refuses those that the account doesn't take.
SUPPORTED_CURRENCIES = (
    'AED', 'AUD', 'BHD', 'CAD', 'CHF', 'EGP', 'EUR', 'GBP', 'INR', 'IQD', 'JOD', 'KWD', 'LBP',
    'LYD', 'MAD', 'OMR', 'PKR', 'QAR', 'SAR', 'TND', 'TRY', 'USD',
)


class PaymentOption(NamedTuple):
    """ What can be done with a way of paying.

    See https://paymentservices.amazon.com/docs/payment-methods/overview. Where APS is silent, the
    row holds what merchants report; APS's refusals are shown as they come. APS publishes minimum
    amounts for none of them.
    """

    method: str  # The code of the payment method in Odoo.
    name: str
    option: str  # The `payment_option` of answers.
    request: dict  # The fields that choose it on the payment page.
    countries: tuple = ()  # The countries of the shoppers who use it; all if empty.
    currencies: tuple = ()  # The only currencies; all if empty.
    authorization: bool = False  # Whether it knows AUTHORIZATION, or PURCHASE only.
    refund: str = 'partial'  # Or `full_only`.
    tokenization: bool = False  # Whether it can be saved.
    recurring: bool = False  # Whether it can be charged without the shopper once it is saved.
    phone: bool = False  # Whether it needs the phone number of the shopper.
    brand: bool = False  # Whether it is a brand of cards in Odoo.


PAYMENT_OPTIONS = (
    PaymentOption(
        'visa', "Visa", 'VISA', {'payment_option': 'VISA'},
        authorization=True, tokenization=True, recurring=True, brand=True,
    ),
    PaymentOption(
        'mastercard', "Mastercard", 'MASTERCARD', {'payment_option': 'MASTERCARD'},
        authorization=True, tokenization=True, recurring=True, brand=True,
    ),
    PaymentOption(
        'amex', "American Express", 'AMEX', {'payment_option': 'AMEX'},
        authorization=True, tokenization=True, recurring=True, brand=True,
    ),
    PaymentOption(
        'mada', "mada", 'MADA', {'payment_option': 'MADA'}, ('SA', 'AE'), ('SAR',),
        tokenization=True,
    ),
    PaymentOption(
        'meeza', "Meeza", 'MEEZA', {'payment_option': 'MEEZA'}, ('EG',), ('EGP',), brand=True,
    ),
    PaymentOption('knet', "KNET", 'KNET', {'payment_option': 'KNET'}, ('KW',), ('KWD',)),
    PaymentOption(
        'naps', "NAPS", 'NAPS', {'payment_option': 'NAPS'}, ('QA',), ('QAR',), brand=True,
    ),
    PaymentOption(
        'benefit', "Benefit", 'BENEFIT', {'payment_option': 'BENEFIT'}, ('BH',), ('BHD',),
    ),
    PaymentOption(
        'omannet', "OmanNet", 'OMANNET', {'payment_option': 'OMANNET'}, ('OM',), ('OMR',),
        brand=True,
    ),
    PaymentOption(
        'stcpay', "STC Pay", 'STCPAY', {'digital_wallet': 'STCPAY'}, ('SA',), ('SAR',),
    ),
    PaymentOption(
        'tabby', "Tabby", 'TABBY', {'payment_option': 'TABBY'}, ('AE', 'SA'), ('AED', 'SAR'),
        refund='full_only', phone=True,
    ),
    PaymentOption(
        'tamara', "Tamara", 'TAMARA', {'payment_option': 'TAMARA'}, ('AE', 'SA'), ('AED', 'SAR'),
        phone=True,
    ),
    PaymentOption(
        'apple_pay', "Apple Pay", 'APPLE_PAY', {'digital_wallet': 'APPLE_PAY'},
        authorization=True,
    ),
    PaymentOption(
        'installments', "Installments", 'INSTALLMENTS', {'installments': 'STANDALONE'},
        ('AE', 'EG', 'SA'), ('AED', 'EGP', 'SAR'),
    ),
)
# What holds if the card, and thereby the brand, is chosen on the payment page.
ANY_CARD = PaymentOption(
    'card', "Card", '', {}, authorization=True, tokenization=True, recurring=True,
)
OPTIONS_BY_METHOD = {option.method: option for option in PAYMENT_OPTIONS}

# What a provider offers when it is enabled for the first time, by Odoo's codes.
DEFAULT_PAYMENT_METHOD_CODES = {
    # Primary payment methods.
    'card',
    # Brand payment methods.
    'visa',
    'mastercard',
    'amex',
}

# The largest amount that APS takes: ten digits, whatever the decimals of the currency.
MAX_AMOUNT_MINOR = 10 ** 10 - 1

# The longest value and the characters that APS accepts for the parameters that hold free text.
# Letters and digits are those of the Latin script.
PARAMETER_LIMITS = {
    'merchant_reference': (40, r'A-Za-z0-9_.\-'),
    'customer_email': (254, r'A-Za-z0-9_.@+\-'),
    'order_description': (150, r"A-Za-z0-9'/._\-#:$ "),
    'phone_number': (19, r'0-9+\-() '),
    'settlement_reference': (34, r'A-Za-z0-9_.\-'),
}
# The identifier and the access code of a merchant.
CREDENTIAL_PATTERN = r'[A-Za-z0-9]{1,20}'

# The commands that ask for a payment, as opposed to those that maintain one.
PAYMENT_COMMANDS = ('PURCHASE', 'AUTHORIZATION')

# The statuses that rules name.
# See https://paymentservices-reference.payfort.com/docs/api/build/index.html#transactions-response-codes.
REFUSED_STATUS = '00'  # The request itself was invalid; nothing was executed.
AUTHORIZED_STATUS = '02'
CAPTURED_STATUS, CAPTURE_FAILED_STATUS = '04', '05'
REFUNDED_STATUS, REFUND_FAILED_STATUS = '06', '07'
VOIDED_STATUS, VOID_FAILED_STATUS = '08', '09'
INCOMPLETE_STATUS = '10'
ANSWERED_STATUS = '12'  # A query was answered.
PURCHASED_STATUS = '14'
UNCERTAIN_STATUS = '15'
WAITING_STATUS = '19'
ON_HOLD_STATUS = '20'  # E.g., 3-D Secure is wanted.
REVIEW_STATUS = '40'  # For fraud.

# The statuses of success and failure of the commands that maintain a payment.
OPERATION_STATUSES = {
    'CAPTURE': (CAPTURED_STATUS, CAPTURE_FAILED_STATUS),
    'VOID_AUTHORIZATION': (VOIDED_STATUS, VOID_FAILED_STATUS),
    'REFUND': (REFUNDED_STATUS, REFUND_FAILED_STATUS),
}
# The statuses of an answer to UPDATE_TOKEN: done, and refused, e.g., because the token is unknown.
TOKEN_STATUSES = ('58', '59')

# Those by which money was taken, reserved, released or given back.
SUCCESS_STATUSES = (
    AUTHORIZED_STATUS, PURCHASED_STATUS, CAPTURED_STATUS, REFUNDED_STATUS, VOIDED_STATUS,
)
# Those of a payment of which something was captured, whether or not its sums are told.
CAPTURED_STATUSES = (CAPTURED_STATUS, REFUNDED_STATUS)
PAID_STATUSES = (PURCHASED_STATUS, *CAPTURED_STATUSES)
# Those of an authorization of which a capture or a void has failed.
STILL_AUTHORIZED_STATUSES = (CAPTURE_FAILED_STATUS, VOID_FAILED_STATUS)
# Those that end an operation, and those that say that APS is still deciding.
DECIDED_STATUSES = (AUTHORIZED_STATUS, *itertools.chain(*OPERATION_STATUSES.values()))
UNDECIDED_STATUSES = (UNCERTAIN_STATUS, WAITING_STATUS, ON_HOLD_STATUS, REVIEW_STATUS)

# An authorization can be captured or voided within these days; then it is released by the bank.
# See https://paymentservices.amazon.com/docs/api/managing-payments/capture.
CAPTURE_WINDOW_DAYS = 7

# Mapping of transaction states to APS payment statuses, as far as a payment is concerned. A status
# that is not listed says nothing about a payment, and never makes one confirmed.
PAYMENT_STATUS_MAPPING = {
    'pending': (
        '01',  # Order stored.
        INCOMPLETE_STATUS,
        UNCERTAIN_STATUS,
        WAITING_STATUS,
        ON_HOLD_STATUS,
        '24',  # Wallet order processed.
        REVIEW_STATUS,
        '44',  # 3-D Secure passed.
        '46',  # Bill created.
    ),
    'authorized': (AUTHORIZED_STATUS,),
    'done': (PURCHASED_STATUS,),
    'error': (
        REFUSED_STATUS,
        '03',  # Authorization failed.
        '13',  # Purchase failed.
        '23',  # Wallet service failed.
        '45',  # 3-D Secure failed.
        '47',  # Bill failed.
    ),
}
# The statuses of a payment of which the shopper still has something to do. Any other pending
# payment must not be paid again: APS or a bank decides about it.
UNFINISHED_STATUSES = ('01', INCOMPLETE_STATUS, ON_HOLD_STATUS, '24', '44', '46')

# The statuses of success and failure of all services, such as those of tokens and bills. Others
# leave the outcome open, such as that of a query that failed (11).
SUCCESSFUL_STATUSES = (
    *SUCCESS_STATUSES, ANSWERED_STATUS, '22', '28', '30', '32', '42', '48', '50', '52', '54', '56',
    '58', '62', '66', '80', '88', '90', '92',
)
FAILED_STATUSES = (
    *PAYMENT_STATUS_MAPPING['error'], CAPTURE_FAILED_STATUS, REFUND_FAILED_STATUS,
    VOID_FAILED_STATUS, '17', '21', '27', '29', '31', '43', '49', '51', '53', '55', '57', '59',
    '63', '81', '89', '91', '93',
)

# The states that an answer about a payment may replace. A success wins over whatever was believed
# before; nothing that comes late makes a paid or authorized payment less than that. An attempt
# whose outcome is not known yet counts although another one was declined before.
SOURCE_STATES = {
    'pending': ('draft', 'cancel', 'error'),
    'authorized': ('draft', 'pending', 'cancel', 'error'),
    'done': ('draft', 'pending', 'authorized', 'cancel', 'error'),
    'cancel': ('draft', 'pending'),
    'error': ('draft', 'pending'),
}

# The form of what is believed of an answer, by whatever way it came.
ANSWER_PATTERNS = {
    'fort_id': r'[0-9]{1,20}',
    'response_code': r'[0-9]{5}',
    'status': r'[0-9]{2}',
}

# The last three digits of a response code say why.
SUCCESS_MESSAGE_CODE = '000'
MISMATCH_MESSAGE_CODE = '008'  # The signature is wrong.
UNKNOWN_MERCHANT_MESSAGE_CODE = '009'
ACCESS_CODE_MESSAGE_CODE = '010'  # The access code is wrong.
INACTIVE_ACCOUNT_MESSAGE_CODE = '015'
NOT_FOUND_MESSAGE_CODE = '036'
NO_JSON_MESSAGE_CODE = '073'  # The account takes another format.
CANCELED_MESSAGE_CODES = ('072',)
# Failures that don't tell what became of the money: technical problems, references that APS knows
# already, whose first use may have been paid, and answers of the bank that APS couldn't read.
UNCLEAR_MESSAGE_CODES = (
    '006', '007', '047', '051', '054', '066', '777', '779', '780', '781', '784',
)
# Reasons that end a payment whose status is incomplete.
FINAL_MESSAGE_CODES = ('030', '666', '778', '787')
