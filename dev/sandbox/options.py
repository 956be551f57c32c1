""" Payment options of APS: what each can do and where (protocol reference, section 11). """

from dataclasses import dataclass

INSTALLMENT_CURRENCIES = ('AED', 'EGP', 'SAR')


@dataclass(frozen=True)
class Option:
    """ One payment option.

    :param str code: The value of `payment_option` in requests and responses.
    :param str name: The name people know.
    :param tuple currencies: The only currencies it takes; empty for all.
    :param bool is_card: Whether it is paid with the card form.
    :param bool can_authorize: Whether `AUTHORIZATION` works, or only `PURCHASE`.
    :param bool can_tokenize: Whether a token can be made of it.
    :param bool can_recur: Whether a token can be charged without the customer.
    :param bool is_wallet: Whether requests name it in `digital_wallet`.
    :param tuple required: The fields that it makes mandatory.
    """

    code: str
    name: str
    currencies: tuple = ()
    is_card: bool = False
    can_authorize: bool = False
    can_tokenize: bool = False
    can_recur: bool = False
    is_wallet: bool = False
    required: tuple = ()

    def takes(self, currency):
        """ Tell whether the option takes a currency. """
        return not self.currencies or currency in self.currencies

    def allows(self, command):
        """ Tell whether the option knows a payment command. """
        return command == 'PURCHASE' or self.can_authorize


OPTIONS = {option.code: option for option in (
    Option('VISA', 'Visa', (), True, True, True, True),
    Option('MASTERCARD', 'Mastercard', (), True, True, True, True),
    Option('AMEX', 'American Express', (), True, True, True, True),
    Option('MADA', 'mada', ('SAR',), True, False, True, False),
    Option('MEEZA', 'Meeza', ('EGP',), True),
    Option('KNET', 'KNET', ('KWD',)),
    Option('NAPS', 'NAPS', ('QAR',)),
    Option('BENEFIT', 'BENEFIT', ('BHD',)),
    Option('OMANNET', 'OmanNet', ('OMR',)),
    Option('STCPAY', 'stc pay', ('SAR',), is_wallet=True),
    Option('TABBY', 'Tabby', ('SAR', 'AED'), required=('phone_number', 'order_description')),
    Option('TAMARA', 'Tamara', ('SAR', 'AED'), required=('phone_number', 'order_description')),
    Option('VALU', 'valU', ('EGP',)),
    Option('APPLE_PAY', 'Apple Pay', (), can_authorize=True, is_wallet=True),
)}
WALLETS = tuple(code for code, option in OPTIONS.items() if option.is_wallet)
DEFAULT_ACTIVE = tuple(code for code in OPTIONS if code not in ('VALU', 'APPLE_PAY'))
