""" Currencies and their number of decimals (protocol reference, section 10). """

THREE_DECIMALS = frozenset(('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'))
NO_DECIMALS = frozenset((
    'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV',
    'XAF', 'XOF', 'XPF',
))
TWO_DECIMALS = frozenset((
    'AED', 'AFN', 'ALL', 'AMD', 'ANG', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT',
    'BGN', 'BMD', 'BND', 'BOB', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHF',
    'CNY', 'COP', 'CRC', 'CUP', 'CVE', 'CZK', 'DKK', 'DOP', 'DZD', 'EGP', 'ERN', 'ETB', 'EUR',
    'FJD', 'FKP', 'GBP', 'GEL', 'GHS', 'GIP', 'GMD', 'GTQ', 'GYD', 'HKD', 'HNL', 'HTG', 'HUF',
    'IDR', 'ILS', 'INR', 'IRR', 'JMD', 'KES', 'KGS', 'KHR', 'KPW', 'KYD', 'KZT', 'LAK', 'LBP',
    'LKR', 'LRD', 'LSL', 'MAD', 'MDL', 'MGA', 'MKD', 'MMK', 'MNT', 'MOP', 'MRU', 'MUR', 'MVR',
    'MWK', 'MXN', 'MYR', 'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'PAB', 'PEN', 'PGK',
    'PHP', 'PKR', 'PLN', 'QAR', 'RON', 'RSD', 'RUB', 'SAR', 'SBD', 'SCR', 'SDG', 'SEK', 'SGD',
    'SHP', 'SLE', 'SOS', 'SRD', 'SSP', 'STN', 'SVC', 'SYP', 'SZL', 'THB', 'TJS', 'TMT', 'TOP',
    'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'USD', 'UYU', 'UZS', 'VES', 'WST', 'XCD', 'YER', 'ZAR',
    'ZMW',
))
CURRENCIES = THREE_DECIMALS | NO_DECIMALS | TWO_DECIMALS


def decimals_of(currency):
    """ Return the number of decimals APS uses for a currency.

    :param str currency: The ISO-4217 letter code.
    :return: 0, 2 or 3.
    :rtype: int
    """
    if currency in THREE_DECIMALS:
        return 3
    return 0 if currency in NO_DECIMALS else 2


def format_amount(amount_minor, currency):
    """ Return an amount as people read it, for example ``1,234.500``.

    :param int amount_minor: The amount, in minor units of the currency.
    :param str currency: The ISO-4217 letter code.
    :return: The amount in major units, without the currency.
    :rtype: str
    """
    decimals = decimals_of(currency)
    major, minor = divmod(int(amount_minor), 10 ** decimals)
    return f'{major:,}.{minor:0{decimals}d}' if decimals else f'{major:,}'
