""" The facts of Amazon Payment Services (APS) that the addon relies on, as data.

Sources, unless a table names another:
https://paymentservices.amazon.com/docs/api and
https://paymentservices-reference.payfort.com/docs/api/build/index.html
"""

# The hosts of APS by purpose and state of the provider; the same for all countries.
HOSTS = {
    'checkout': {
        'enabled': 'https://checkout.payfort.com',
        'test': 'https://sbcheckout.payfort.com',
    },
}
PAYMENT_PAGE_PATH = '/FortAPI/paymentPage'

# The system parameter that holds the base address of a local sandbox, for providers in test state.
SANDBOX_URL_PARAMETER = 'payment_aps.sandbox_url'

# The SHA types that can be chosen in the dashboard. The HMAC forms are those of APS's official
# plugins; the documentation does not describe them.
SHA_TYPES = [
    ('sha256', "SHA-256"),
    ('sha512', "SHA-512"),
    ('hmac256', "HMAC-256"),
    ('hmac512', "HMAC-512"),
]

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

# The codes of the payment methods to activate when APS is activated.
DEFAULT_PAYMENT_METHOD_CODES = {
    # Primary payment methods.
    'card',
    # Brand payment methods.
    'visa',
    'mastercard',
    'amex',
}

# Mapping of payment method codes to the payment options of APS.
PAYMENT_OPTION_MAPPING = {
    'visa': 'VISA',
    'mastercard': 'MASTERCARD',
    'amex': 'AMEX',
    'mada': 'MADA',
    'meeza': 'MEEZA',
    'knet': 'KNET',
    'naps': 'NAPS',
    'benefit': 'BENEFIT',
    'omannet': 'OMANNET',
}

# The longest value and the characters that APS accepts for the parameters that hold free text.
# Letters and digits are those of the Latin script.
PARAMETER_LIMITS = {
    'merchant_reference': (40, r'A-Za-z0-9_.\-'),
    'customer_email': (254, r'A-Za-z0-9_.@+\-'),
    'order_description': (150, r"A-Za-z0-9'/._\-#:$ "),
    'customer_ip': (45, r'A-Za-z0-9.:'),
}
# The identifier and the access code of a merchant.
CREDENTIAL_PATTERN = r'[A-Za-z0-9]{1,20}'

# The commands that ask for a payment, as opposed to those that maintain one.
PAYMENT_COMMANDS = ('PURCHASE', 'AUTHORIZATION')

# Mapping of transaction states to APS payment statuses, as far as a payment is concerned. A status
# that is not listed says nothing about a payment, and never makes one confirmed.
# See https://paymentservices-reference.payfort.com/docs/api/build/index.html#transactions-response-codes.
PAYMENT_STATUS_MAPPING = {
    'pending': (
        '01',  # Order stored.
        '10',  # Incomplete.
        '15',  # Uncertain.
        '19',  # Pending.
        '20',  # On hold, e.g., 3-D Secure is wanted.
        '24',  # Wallet order processed.
        '40',  # In review for fraud.
        '44',  # 3-D Secure passed.
        '46',  # Bill created.
    ),
    'authorized': ('02',),
    'done': ('14',),
    'error': (
        '00',  # Invalid request.
        '03',  # Authorization failed.
        '13',  # Purchase failed.
        '23',  # Wallet service failed.
        '45',  # 3-D Secure failed.
        '47',  # Bill failed.
    ),
}

# The states that an answer about a payment may replace. A success wins over whatever was believed
# before; nothing that comes late makes a paid or authorized payment less than that.
SOURCE_STATES = {
    'pending': ('draft',),
    'authorized': ('draft', 'pending', 'cancel', 'error'),
    'done': ('draft', 'pending', 'authorized', 'cancel', 'error'),
    'cancel': ('draft', 'pending'),
    'error': ('draft', 'pending'),
}

# The last three digits of a response code say why.
SUCCESS_MESSAGE_CODE = '000'
CANCELED_MESSAGE_CODES = ('072',)
# Failures that don't tell what became of the money: technical problems, and references that APS
# knows already, whose first use may have been paid.
UNCLEAR_MESSAGE_CODES = ('006', '007', '047', '051', '054', '066', '777', '784')
# Reasons that end a payment whose status is incomplete (10).
FINAL_MESSAGE_CODES = ('030', '666', '778', '787')

# What went wrong, for the shopper, by message code. Other codes are problems of the merchant's
# configuration or of the request.
FAILURE_REASONS = {
    **dict.fromkeys(('072',), 'canceled'),
    **dict.fromkeys(('029', '746', '747'), 'funds'),
    **dict.fromkeys(('012', '100'), 'expired'),
    **dict.fromkeys(('016', '087'), 'card'),
    **dict.fromkeys(('030', '787'), 'authentication'),
    **dict.fromkeys(('778', '102', '773'), 'timeout'),
    **dict.fromkeys(('050', '057', '058', '221'), 'limit'),
    **dict.fromkeys(('074', '075', '079', '118', '123', '666', '785'), 'declined'),
}
