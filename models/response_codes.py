""" What the response codes of APS mean, and what shoppers and staff are told to do about them.

See https://paymentservices.amazon.com/docs/developer-resources/error-codes. The texts are
translated where they are shown: `str` of them looks for the language of the caller's `self.env`.
"""

from collections import namedtuple

from odoo import _lt

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.message import Result

# `advice` tells the staff what to do. `failure` tells the shopper, if the payment failed, what
# became of their money and what to do.
MessageFamily = namedtuple('MessageFamily', 'advice failure')
# `meaning` is for the staff; `family` is one of `MESSAGE_FAMILIES`.
MessageCode = namedtuple('MessageCode', 'meaning family')

OTHER_FAILURE = _lt(
    "The payment could not be made. You have not been charged. Please try another payment method "
    "or contact us."
)
# For the shopper, while APS doesn't know what became of the payment, or reviews it.
UNCLEAR_PAYMENT = _lt(
    "We do not know yet whether your payment succeeded. Please do not pay again: we are still "
    "asking, and your order will be confirmed if it did."
)
PAYMENT_IN_REVIEW = _lt(
    "Your payment is being reviewed. Please do not pay again: your order will be confirmed once "
    "the payment is accepted."
)
# For the shopper who goes on paying after an attempt that failed.
UNFINISHED_ATTEMPT = _lt(
    "An attempt to pay failed, and another one is not finished yet. If you finish it, please do "
    "not pay again: your order will be confirmed if it succeeds."
)
# For the shopper of a payment that nobody asks about any more.
UNFINISHED_PAYMENT = _lt("The payment was not completed. You can pay again at any time.")
UNKNOWN_PAYMENT = _lt(
    "We could not find out whether this payment succeeded. Before you pay again, please make sure "
    "with your bank or with us that you were not charged."
)

MESSAGE_FAMILIES = {
    'success': MessageFamily(_lt("There is nothing to do."), OTHER_FAILURE),
    'waiting': MessageFamily(
        _lt(
            "Wait: the customer or APS has not finished yet. Odoo finds out the outcome by itself."
        ),
        OTHER_FAILURE,
    ),
    'review': MessageFamily(
        _lt(
            "Wait for the decision about this payment before you deliver. You can see and decide "
            "it in the APS dashboard, if fraud screening is yours to decide."
        ),
        OTHER_FAILURE,
    ),
    'unclear': MessageFamily(
        _lt(
            "It is not known whether this was executed. Do not repeat it: Odoo keeps asking. To "
            "ask now, click on \"Check with APS\" on the transaction."
        ),
        UNCLEAR_PAYMENT,
    ),
    'canceled': MessageFamily(
        _lt("The customer left the payment page. They can pay again whenever they like."),
        _lt("You canceled the payment. You have not been charged. You can pay again at any time."),
    ),
    'funds': MessageFamily(
        _lt("Ask the customer to use another card, or to top up the account or wallet."),
        _lt(
            "There is not enough money in the account of your card. You have not been charged. "
            "Please try another card."
        ),
    ),
    'expired': MessageFamily(
        _lt("Ask the customer to use another card. If it is a saved card, delete it."),
        _lt("Your card has expired. You have not been charged. Please try another card."),
    ),
    'card': MessageFamily(
        _lt(
            "Ask the customer to check the card number and the expiry date, or to use another card."
        ),
        _lt(
            "Your card was not accepted. You have not been charged. Please check its details or "
            "try another card."
        ),
    ),
    'authentication': MessageFamily(
        _lt(
            "The bank could not verify the customer (3-D Secure). Ask them to try again with the "
            "phone that their bank knows, or with another card."
        ),
        _lt(
            "Your bank could not verify that it was you. You have not been charged. Please try "
            "again."
        ),
    ),
    'timeout': MessageFamily(
        _lt("The customer took too long. They can pay again whenever they like."),
        _lt(
            "The payment was not completed in time. You have not been charged. Please try again."
        ),
    ),
    'limit': MessageFamily(
        _lt(
            "Ask the customer to use another card or to raise its limit. If it is the limit of "
            "your account, ask APS to raise it."
        ),
        _lt(
            "The amount is above what can be paid at once. You have not been charged. Please try "
            "another card or contact us."
        ),
    ),
    'amount': MessageFamily(
        _lt(
            "The payment method doesn't take this amount. Set its limits in the payment provider, "
            "or ask APS which amounts it takes."
        ),
        _lt(
            "This amount cannot be paid in this way. You have not been charged. Please try another "
            "payment method or contact us."
        ),
    ),
    'declined': MessageFamily(
        _lt("Ask the customer to use another card, or to ask their bank for the reason."),
        _lt(
            "Your bank declined the payment. You have not been charged. Please try another card."
        ),
    ),
    'fraud': MessageFamily(
        _lt(
            "The check for fraud stopped the payment. Look at it in the APS dashboard before you "
            "accept another one of this customer."
        ),
        _lt(
            "The payment was refused for security reasons. You have not been charged. Please try "
            "another card or contact us."
        ),
    ),
    'credentials': MessageFamily(
        _lt(
            "Copy merchant identifier, access code, SHA type and phrases again from Integration "
            "Settings > Security Settings in the APS dashboard: of the sandbox for Test Mode, of "
            "the live account otherwise."
        ),
        OTHER_FAILURE,
    ),
    'request': MessageFamily(
        _lt(
            "APS doesn't accept a value that was sent. Look for customizations of the payment "
            "form and of references, then tell this code to whoever maintains them."
        ),
        OTHER_FAILURE,
    ),
    'parameter': MessageFamily(
        _lt(
            "Your APS account doesn't take a parameter that was sent. Switch off \"Name the "
            "Payment to the Acquirer\" in the payment provider, and \"Propose to Save Cards on "
            "the Payment Page\" if the customer wanted to save the card. If that doesn't help, "
            "look for customizations of the payment form."
        ),
        OTHER_FAILURE,
    ),
    'account': MessageFamily(
        _lt(
            "Your APS account is not set up for this. Activate it in Integration Settings > "
            "Technical Settings in the APS dashboard or ask APS to, or deactivate the payment "
            "method in Odoo."
        ),
        OTHER_FAILURE,
    ),
    'merchant': MessageFamily(
        _lt("Ask APS to activate your merchant account. Until then, nobody can pay."),
        OTHER_FAILURE,
    ),
    'currency': MessageFamily(
        _lt(
            "Your APS account doesn't take this currency. Remove it from the payment provider, or "
            "ask APS to add it."
        ),
        OTHER_FAILURE,
    ),
    'operation': MessageFamily(
        _lt(
            "The payment doesn't allow this now. Click on \"Check with APS\" on the transaction, "
            "and compare with the APS dashboard what was captured, voided and refunded."
        ),
        OTHER_FAILURE,
    ),
    'not_found': MessageFamily(
        _lt(
            "This account doesn't know the payment: the customer has not begun to pay, or it was "
            "made with another account. Compare the merchant identifier, and whether it is the "
            "sandbox or the live account."
        ),
        OTHER_FAILURE,
    ),
    'token': MessageFamily(
        _lt(
            "The saved card can't be used. Ask the customer to pay with the card itself and to "
            "save it anew. If it happens with all cards, ask APS to activate tokens."
        ),
        _lt(
            "Your saved card could not be used. You have not been charged. Please enter the card "
            "again or try another one."
        ),
    ),
    'instalments': MessageFamily(
        _lt(
            "No plan of instalments fits this payment. Ask the customer to pay at once or with a "
            "card of another bank, and check the plans in the APS dashboard."
        ),
        _lt(
            "The payment in instalments could not be made. You have not been charged. Please pay "
            "at once or try another card."
        ),
    ),
    'wallet': MessageFamily(
        _lt(
            "The customer's bank account or wallet was not accepted. Ask the customer to try again "
            "in a minute or to pay by card."
        ),
        _lt(
            "Your account or wallet was not accepted. You have not been charged. Please try again "
            "in a minute or choose another payment method."
        ),
    ),
    'bill': MessageFamily(
        _lt(
            "This is about a bill, a payment link or a bank transfer, which Odoo doesn't make. "
            "Look it up in the APS dashboard."
        ),
        OTHER_FAILURE,
    ),
    'batch': MessageFamily(
        _lt(
            "This is about a report or a file of many payments, which Odoo doesn't ask for. Look "
            "it up in the APS dashboard."
        ),
        OTHER_FAILURE,
    ),
    'other': MessageFamily(
        _lt(
            "Try again later. If it happens again, ask APS about it; tell them the reference and "
            "this code."
        ),
        OTHER_FAILURE,
    ),
}
# The last three digits of a response code.
MESSAGE_CODES = {
    '000': MessageCode(_lt("Success"), 'success'),
    '001': MessageCode(_lt("Parameter missing"), 'request'),
    '002': MessageCode(_lt("Parameter format invalid"), 'request'),
    '003': MessageCode(_lt("Payment option not available to this merchant"), 'account'),
    '004': MessageCode(_lt("Command invalid"), 'request'),
    '005': MessageCode(_lt("Amount invalid"), 'amount'),
    '006': MessageCode(_lt("Technical problem"), 'unclear'),
    '007': MessageCode(_lt("Duplicate order number"), 'unclear'),
    '008': MessageCode(_lt("Signature mismatch"), 'credentials'),
    '009': MessageCode(_lt("Merchant identifier invalid"), 'credentials'),
    '010': MessageCode(_lt("Access code invalid"), 'credentials'),
    '011': MessageCode(_lt("Order not saved"), 'other'),
    '012': MessageCode(_lt("Card expired"), 'expired'),
    '013': MessageCode(_lt("Currency invalid"), 'currency'),
    '014': MessageCode(_lt("Payment option inactive"), 'account'),
    '015': MessageCode(_lt("Merchant account inactive"), 'merchant'),
    '016': MessageCode(_lt("Card number invalid"), 'card'),
    '017': MessageCode(_lt("Acquirer does not allow operation"), 'account'),
    '018': MessageCode(_lt("Processor does not allow operation"), 'account'),
    '019': MessageCode(_lt("Acquirer inactive"), 'account'),
    '020': MessageCode(_lt("Processor inactive"), 'account'),
    '021': MessageCode(_lt("Option switched off by acquirer"), 'account'),
    '023': MessageCode(_lt("Currency not accepted by acquirer"), 'currency'),
    '024': MessageCode(_lt("Currency not accepted by processor"), 'currency'),
    '025': MessageCode(_lt("Processor settings missing"), 'account'),
    '026': MessageCode(_lt("Acquirer settings missing"), 'account'),
    '027': MessageCode(_lt("Unexpected extra parameters"), 'parameter'),
    '029': MessageCode(_lt("Insufficient funds"), 'funds'),
    '030': MessageCode(_lt("Authentication failed"), 'authentication'),
    '031': MessageCode(_lt("Issuer invalid"), 'card'),
    '032': MessageCode(_lt("Parameter length invalid"), 'request'),
    '033': MessageCode(_lt("Parameter value not allowed"), 'request'),
    '034': MessageCode(_lt("Operation not allowed"), 'operation'),
    '035': MessageCode(_lt("Order created"), 'success'),
    '036': MessageCode(_lt("Order not found"), 'not_found'),
    '037': MessageCode(_lt("Return URL missing"), 'request'),
    '038': MessageCode(_lt("Token service inactive"), 'token'),
    '039': MessageCode(_lt("No active payment option"), 'account'),
    '040': MessageCode(_lt("Transaction source invalid"), 'request'),
    '042': MessageCode(_lt("Amount above authorized amount"), 'operation'),
    '043': MessageCode(_lt("Operation inactive"), 'account'),
    '044': MessageCode(_lt("Token name unknown"), 'token'),
    '046': MessageCode(_lt("Channel not set up for this option"), 'account'),
    '047': MessageCode(_lt("Order already processed"), 'unclear'),
    '048': MessageCode(_lt("Amount above captured amount"), 'operation'),
    '049': MessageCode(_lt("Operation not valid for this option"), 'account'),
    '050': MessageCode(_lt("Merchant's per-transaction limit exceeded"), 'limit'),
    '051': MessageCode(_lt("Technical error"), 'unclear'),
    '052': MessageCode(_lt("Customer not in OLP database"), 'wallet'),
    '053': MessageCode(_lt("Merchant not in OLP database"), 'wallet'),
    '054': MessageCode(_lt("Cannot be processed now"), 'unclear'),
    '055': MessageCode(_lt("OLP alias invalid"), 'wallet'),
    '056': MessageCode(_lt("OLP alias does not exist"), 'wallet'),
    '057': MessageCode(_lt("Daily limit exceeded"), 'limit'),
    '058': MessageCode(_lt("Per-transaction limit exceeded"), 'limit'),
    '059': MessageCode(_lt("Merchant name / SADAD id differ"), 'wallet'),
    '060': MessageCode(_lt("OLP password wrong"), 'wallet'),
    '062': MessageCode(_lt("Token created"), 'success'),
    '063': MessageCode(_lt("Token updated"), 'success'),
    '064': MessageCode(_lt("3-D Secure check requested"), 'waiting'),
    '065': MessageCode(_lt("Waiting for customer's action"), 'waiting'),
    '066': MessageCode(_lt("Merchant reference exists already"), 'unclear'),
    '067': MessageCode(_lt("Dynamic descriptor not set up"), 'request'),
    '068': MessageCode(_lt("SDK service inactive"), 'request'),
    '069': MessageCode(_lt("No mapping for error code"), 'other'),
    '070': MessageCode(_lt("Device_id differs"), 'request'),
    '071': MessageCode(_lt("Connection could not be started"), 'other'),
    '072': MessageCode(_lt("Canceled by customer"), 'canceled'),
    '073': MessageCode(_lt("Request format invalid"), 'request'),
    '074': MessageCode(_lt("Transaction failed"), 'other'),
    '075': MessageCode(_lt("Transaction failed"), 'other'),
    '076': MessageCode(_lt("Not found in OLP"), 'wallet'),
    '077': MessageCode(_lt("Error code not found"), 'other'),
    '078': MessageCode(_lt("Fraud screen could not be checked"), 'fraud'),
    '079': MessageCode(_lt("Challenged by fraud rules"), 'review'),
    '080': MessageCode(_lt("Payment option invalid"), 'account'),
    '082': MessageCode(_lt("Fraud service inactive"), 'fraud'),
    '083': MessageCode(_lt("Unexpected user behavior"), 'fraud'),
    '084': MessageCode(_lt("Amount outside plan's limits"), 'amount'),
    '086': MessageCode(_lt("Instalment plan not set up"), 'instalments'),
    '087': MessageCode(_lt("Card BIN not of accepted issuer"), 'card'),
    '088': MessageCode(_lt("Token not made for this transaction"), 'token'),
    '089': MessageCode(_lt("Wallet details not retrieved"), 'wallet'),
    '090': MessageCode(_lt("In review"), 'review'),
    '092': MessageCode(_lt("Issuer code invalid"), 'instalments'),
    '093': MessageCode(_lt("Service inactive"), 'account'),
    '094': MessageCode(_lt("Plan code invalid"), 'instalments'),
    '095': MessageCode(_lt("Issuer inactive"), 'instalments'),
    '096': MessageCode(_lt("Plan inactive"), 'instalments'),
    '097': MessageCode(_lt("Operation not allowed for service"), 'account'),
    '098': MessageCode(_lt("Call_id invalid or expired"), 'wallet'),
    '099': MessageCode(_lt("Service failed"), 'other'),
    '100': MessageCode(_lt("Expiry date invalid"), 'card'),
    '101': MessageCode(_lt("Bill number not found"), 'bill'),
    '102': MessageCode(_lt("Apple Pay order expired"), 'timeout'),
    '103': MessageCode(_lt("Duplicate subscription id"), 'token'),
    '104': MessageCode(_lt("No plan fits"), 'instalments'),
    '105': MessageCode(_lt("Bank code invalid"), 'bill'),
    '106': MessageCode(_lt("Bank inactive"), 'bill'),
    '107': MessageCode(_lt("Transfer_date invalid"), 'bill'),
    '110': MessageCode(_lt("Contradicting parameters"), 'request'),
    '111': MessageCode(_lt("Service not for this option"), 'account'),
    '112': MessageCode(_lt("Service not for this operation"), 'request'),
    '113': MessageCode(_lt("Service not for this eci"), 'request'),
    '114': MessageCode(_lt("Token exists already"), 'token'),
    '115': MessageCode(_lt("Payment link expired"), 'timeout'),
    '116': MessageCode(_lt("Notification type inactive"), 'account'),
    '117': MessageCode(_lt("Payment link already processed"), 'bill'),
    '118': MessageCode(_lt("Order bounced"), 'declined'),
    '119': MessageCode(_lt("Request dropped"), 'other'),
    '120': MessageCode(_lt("Link terms not found"), 'bill'),
    '121': MessageCode(_lt("Card number not verified"), 'card'),
    '122': MessageCode(_lt("Date interval invalid"), 'batch'),
    '123': MessageCode(_lt("Attempts exceeded"), 'declined'),
    '124': MessageCode(_lt("Account created"), 'success'),
    '125': MessageCode(_lt("Invoice already paid"), 'bill'),
    '126': MessageCode(_lt("Duplicate invoice id"), 'bill'),
    '127': MessageCode(_lt("Reference not generated yet"), 'waiting'),
    '128': MessageCode(_lt("Report still pending"), 'batch'),
    '129': MessageCode(_lt("Report queue full"), 'batch'),
    '134': MessageCode(_lt("Too many search results"), 'batch'),
    '136': MessageCode(_lt("Batch validation failed"), 'batch'),
    '137': MessageCode(_lt("Batch date invalid"), 'batch'),
    '138': MessageCode(_lt("Batch being validated"), 'batch'),
    '140': MessageCode(_lt("Batch being processed"), 'batch'),
    '141': MessageCode(_lt("Batch reference unknown"), 'batch'),
    '142': MessageCode(_lt("Batch header invalid"), 'batch'),
    '144': MessageCode(_lt("Batch file invalid"), 'batch'),
    '146': MessageCode(_lt("Batch reference exists"), 'batch'),
    '147': MessageCode(_lt("Batch request received"), 'batch'),
    '148': MessageCode(_lt("Batch will be processed"), 'batch'),
    '149': MessageCode(_lt("Payment link id not found"), 'bill'),
    '150': MessageCode(_lt("Payment link already open"), 'bill'),
    '151': MessageCode(_lt("3ds_id unknown"), 'authentication'),
    '152': MessageCode(_lt("3-D Secure data do not match request"), 'authentication'),
    '154': MessageCode(_lt("Upload retries used up"), 'batch'),
    '155': MessageCode(_lt("Upload retries not configured"), 'batch'),
    '160': MessageCode(_lt("Customer verification failed"), 'wallet'),
    '181': MessageCode(_lt("Amount below minimum"), 'amount'),
    '182': MessageCode(_lt("OTP verified"), 'success'),
    '221': MessageCode(_lt("Maximum exceeded"), 'limit'),
    '225': MessageCode(_lt("Operation not permitted"), 'operation'),
    '662': MessageCode(_lt("Order not confirmed yet: operation refused"), 'operation'),
    '666': MessageCode(_lt("Declined"), 'declined'),
    '746': MessageCode(_lt("Above customer's limit"), 'funds'),
    '747': MessageCode(_lt("Wallet balance too low"), 'funds'),
    '748': MessageCode(_lt("OTP parameters differ"), 'wallet'),
    '773': MessageCode(_lt("Transaction closed"), 'timeout'),
    '777': MessageCode(_lt("Processed, but confirmation not received"), 'unclear'),
    '778': MessageCode(_lt("Session timed out"), 'timeout'),
    '779': MessageCode(_lt("Transformation error"), 'unclear'),
    '780': MessageCode(_lt("Transaction number transformation error"), 'unclear'),
    '781': MessageCode(_lt("Response code transformation error"), 'unclear'),
    '783': MessageCode(_lt("Instalments service inactive"), 'instalments'),
    '784': MessageCode(_lt("Still processing: no other transaction possible"), 'unclear'),
    '785': MessageCode(_lt("Blocked by fraud check"), 'fraud'),
    '787': MessageCode(_lt("User not authenticated"), 'authentication'),
    '788': MessageCode(_lt("Bill number invalid"), 'bill'),
    '789': MessageCode(_lt("Bill number expired"), 'bill'),
    '790': MessageCode(_lt("Bill type code invalid"), 'bill'),
    '983': MessageCode(_lt("Wait 60 s between OTPs"), 'wallet'),
}


# The number of what a response code means whose message code sounds like a success, by its status.
STATUS_NUMBERS = {
    **dict.fromkeys(const.FAILED_STATUSES, '074'),
    **dict.fromkeys((*const.UNFINISHED_STATUSES, const.WAITING_STATUS), '065'),
    const.REVIEW_STATUS: '090',
}
# What is said where neither the message code nor the status tells more.
OTHER_CODES = {
    'unknown': MessageCode(_lt("Unknown reason"), 'other'),
    'uncertain': MessageCode(_lt("Uncertain"), 'unclear'),
}
# By the number under which a reason is stored.
CODES = {**MESSAGE_CODES, **OTHER_CODES}


def find_number(response_code):
    """ Return the number of what is known of a response code.

    :param str response_code: The response code: the status and a message code of three digits.
    :return: The key in `CODES`: the message code; that of the status where the message code tells
             of a success only.
    :rtype: str
    """
    result = Result.of_code(response_code)
    number = result.message_code if result.message_code in MESSAGE_CODES else 'unknown'
    if CODES[number].family == 'success' and result.status not in const.SUCCESSFUL_STATUSES:
        return STATUS_NUMBERS.get(result.status, 'uncertain')
    return number


def find_message_code(response_code):
    """ Return what is known of a response code.

    :param str response_code: The response code: the status and a message code of three digits.
    :return: The row of `CODES`.
    :rtype: MessageCode
    """
    return CODES[find_number(response_code)]
