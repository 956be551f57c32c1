""" Test cards (protocol reference, section 12) and what happens when they are used. """

from dataclasses import dataclass

from .codes import Outcome, failure_of, success_of
from .options import OPTIONS

# What a card, a button or a test may ask for. `None` stands for the command's own failure status.
SCENARIOS = {
    'declined': (None, '666'),
    'insufficient_funds': (None, '029'),
    'expired': (None, '012'),
    'invalid_card': (None, '016'),
    'technical': (None, '006'),
    'not_supported': (None, '049'),
    'uncertain': ('15', '777'),
    'pending': ('19', '065'),
    'on_hold': ('20', '079'),
    'in_review': ('40', '090'),
    '3ds_failed': ('10', '030'),
}


def outcome_of(scenario, command):
    """ Return the outcome of a scenario for a payment command.

    :param str scenario: `success` or a key of `SCENARIOS`.
    :param str command: The command that is processed.
    :return: The outcome.
    :rtype: Outcome
    :raise KeyError: If the scenario is unknown.
    """
    if scenario == 'success':
        return success_of(command)
    status, message = SCENARIOS[scenario]
    return Outcome(status, message) if status else failure_of(command, message)


@dataclass(frozen=True)
class Card:
    """ One test card.

    :param str number: The card number.
    :param str option: The payment option of its scheme.
    :param str expiry: The documented expiry date, `YYMM`.
    :param str cvv: The documented security code.
    :param str label: What it does, for the payment page.
    :param str label_ar: The same in Arabic.
    :param str scenario: What happens when it is used on the page.
    :param bool has_3ds: Whether the shopper has to pass 3-D Secure.
    :param str token_scenario: What happens when its token is charged; as on the page if empty.
    :param bool is_documented: Whether APS documents it; else it exists in this sandbox only.
    """

    number: str
    option: str
    expiry: str
    cvv: str
    label: str
    label_ar: str
    scenario: str = 'success'
    has_3ds: bool = False
    token_scenario: str = ''
    is_documented: bool = False

    @property
    def masked(self):
        """ Return the number as APS shows it: first six, last four. """
        return mask(self.number)

    @property
    def expiry_text(self):
        """ Return the expiry date as people type it, `MM/YY`. """
        return f'{self.expiry[2:]}/{self.expiry[:2]}'

    @property
    def grouped(self):
        """ Return the number as it is printed on a card. """
        return ' '.join(self.number[start:start + 4] for start in range(0, len(self.number), 4))

    @property
    def tone(self):
        """ Return how the page colours what it does: `good`, `bad` or `open`. """
        if self.scenario == 'success':
            return 'open' if self.token_scenario else 'good'
        return 'open' if outcome_of(self.scenario, 'PURCHASE').is_open else 'bad'

    @property
    def name(self):
        """ Return the name of its scheme. """
        return OPTIONS[self.option].name


def _documented(number, option, expiry, cvv, has_3ds=False):
    """ Return a card that APS documents. """
    label, label_ar = ("3-D Secure", "تحقق آمن") if has_3ds else ("Success", "نجاح")
    return Card(number, option, expiry, cvv, label, label_ar, has_3ds=has_3ds, is_documented=True)


def _own(number, label, label_ar, scenario, **values):
    """ Return a Visa card that exists in this sandbox only. """
    return Card(number, 'VISA', '3005', '123', label, label_ar, scenario, **values)


CARDS = {card.number: card for card in (
    _documented('4005550000000001', 'VISA', '3005', '123'),
    _documented('5123456789012346', 'MASTERCARD', '3005', '123'),
    _documented('345678901234564', 'AMEX', '3005', '1234'),
    _documented('4557012345678902', 'VISA', '3005', '123', has_3ds=True),
    _documented('5313581000123430', 'MASTERCARD', '3005', '123', has_3ds=True),
    _documented('374200000000004', 'AMEX', '3005', '1234', has_3ds=True),
    _documented('5297412542005689', 'MADA', '2505', '350'),
    _documented('9818950527886700002', 'MEEZA', '2310', '422'),
    _documented('5078036221028566', 'MEEZA', '2309', '143'),
    _documented('4111111111111111', 'VISA', '3005', '123'),
    _own('4000000000000002', "Declined", "مرفوضة", 'declined'),
    _own('4000000000000010', "Insufficient funds", "رصيد غير كافٍ", 'insufficient_funds'),
    _own('4000000000000028', "Expired", "منتهية الصلاحية", 'expired'),
    _own('4000000000000036', "Uncertain result", "نتيجة غير مؤكدة", 'uncertain'),
    _own('4000000000000044', "Pending", "معلّقة", 'pending'),
    _own('4000000000000051', "In review", "قيد المراجعة", 'in_review'),
    _own('4000000000000069', "On hold", "محتجزة", 'on_hold'),
    _own('4000000000000077', "Technical problem", "مشكلة تقنية", 'technical'),
    _own('4000000000000085', "Declined when charged again", "تُرفض عند الخصم لاحقًا", 'success',
         token_scenario='declined'),
    _own('4000000000000093', "Uncertain when charged again", "غير مؤكدة عند الخصم لاحقًا",
         'success', token_scenario='uncertain'),
)}


def mask(number):
    """ Return a card number with all but the first six and last four digits hidden.

    :param str number: The card number.
    :return: The masked number, of the same length.
    :rtype: str
    """
    return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"


def scheme_of(number):
    """ Return the payment option that a card number belongs to, or an empty text.

    :param str number: The card number.
    :return: A key of `OPTIONS`, or an empty text.
    :rtype: str
    """
    if number in CARDS:
        return CARDS[number].option
    if number[:2] in ('34', '37') and len(number) == 15:
        return 'AMEX'
    if len(number) != 16:
        return ''
    if number[:1] == '4':
        return 'VISA'
    is_mastercard = '51' <= number[:2] <= '55' or '2221' <= number[:4] <= '2720'
    return 'MASTERCARD' if is_mastercard else ''


def passes_luhn(number):
    """ Tell whether the check digit of a card number is right. """
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[1::2]]
    return sum(digits[::2] + doubled) % 10 == 0


def is_expired(expiry, today):
    """ Tell whether an expiry date has passed.

    :param str expiry: The date, `YYMM`.
    :param datetime.date today: The day to compare with.
    :return: Whether the card is no longer valid.
    :rtype: bool
    """
    return expiry < today.strftime('%y%m')


def is_documented_date(masked, expiry):
    """ Tell whether a masked number and an expiry date are a test card's own.

    :param str masked: The masked card number.
    :param str expiry: The expiry date, `YYMM`.
    :return: Whether both belong to one test card.
    :rtype: bool
    """
    return any((card.masked, card.expiry) == (masked, expiry) for card in CARDS.values())


def scenario_of(number, expiry, cvv, today):
    """ Return what happens when these card details are used on the payment page.

    A documented test card is accepted with its documented date even when that day has passed.

    :param str number: The card number.
    :param str expiry: The expiry date, `YYMM`.
    :param str cvv: The security code.
    :param datetime.date today: The sandbox's day.
    :return: `success` or a key of `SCENARIOS`.
    :rtype: str
    """
    card = CARDS.get(number)
    if not card:
        return 'declined' if scheme_of(number) and passes_luhn(number) else 'invalid_card'
    if expiry != card.expiry and is_expired(expiry, today):
        return 'expired'
    return card.scenario if cvv == card.cvv else 'declined'
