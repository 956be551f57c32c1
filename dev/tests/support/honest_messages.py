""" What APS may sign, at random: results, notices, and refusals of what a stranger made up. """

NAMES = ('S00037', 'INV-2026-0042', 'tx-2026', 'order.7', 'shop_a', 'n')
ENDINGS = ('UB4B8HPN', '2345AXYZ', 'abc', 'n-ABCD', 'status', 'o', '1')
# Echoes and additions, in documented characters.
OPTIONAL = {
    '3ds_eci': ('05', '02'), '3ds_enrolled': ('Y', 'N'), '3ds_status': ('Y', 'A'),
    '3ds_url': ('http://www.3dsecure.com', 'https://acs.example/x?a=b&c=d&e=14'),
    '3ds_xid': ('MDAwMDAwMDAwMDAwMDAwMzIyNzY=', ''),
    'acquirer_response_code': ('00', '05', '51', 'A1'),
    'acquirer_response_message': ('Approved', 'Do not honour'),
    'agreement_id': ('A-1', '77'), 'authorization_code': ('123456', 'a1b2'),
    'card_bin': ('400555',), 'card_holder_name': ('Ali Hassan', 'O&#39;Neil', 'علي حسن', '****'),
    'card_number': ('400555******0001', '************'), 'customer_ip': ('192.0.2.10', '::1'),
    'customer_email': ('a+b@example.com',), 'customer_name': ("Ali O'Neil", ''),
    'digital_wallet': ('STCPAY',), 'eci': ('ECOMMERCE', 'MOTO'), 'expiry_date': ('3005', '****'),
    'fraud_comment': ('High risk', ''), 'installments': ('STANDALONE',),
    'issuer_country': ('AE',), 'issuer_name': ('Bank 14',), 'knet_ref_number': ('014014014014',),
    'merchant_extra': ('a;b/c,d@e',), 'merchant_extra1': ('x', '14000'),
    'number_of_installments': ('3',), 'order_description': ('S00037 #1: $5', 'n payment_', ''),
    'payment_option': ('VISA', 'MADA'), 'phone_number': ('+971 (50) 1234567', ''),
    'plan_code': ('Plan3',), 'processor_response_code': ('100', '00'),
    'reconciliation_reference': ('2026112614',), 'remember_me': ('YES', 'NO'),
    'return_url': ('https://shop.example/payment/aps/return',), 'sadad_olp': ('a@b',),
    'settlement_reference': ('S-14.000', 'x-status'),
    'third_party_transaction_number': ('1014',), 'transaction_date': ('2026-11-26, 14:00:00',),
    # What APS may add one day.
    'brand_new_field': ('v', '14'), 'installment_detail': ('{a=1, b=[2, 3]}',),
    'zz_new': ('1', ''), 'new_status': ('Y', '7'), 'paid_amount_text': ('ten',),
}
NEW_FIELDS = ('brand_new_field', 'installment_detail', 'new_status', 'paid_amount_text', 'zz_new')
KINDS = {
    'success': (('14000', 'PURCHASE'), ('02000', 'AUTHORIZATION')),
    'failure': (('13666', 'PURCHASE'), ('03012', 'AUTHORIZATION'), ('13006', 'PURCHASE')),
    'pending': (('20064', 'PURCHASE'), ('19000', 'PURCHASE'), ('15777', 'PURCHASE')),
    'operation': (
        ('04000', 'CAPTURE'), ('06000', 'REFUND'), ('08000', 'VOID_AUTHORIZATION'),
        ('05666', 'CAPTURE'), ('07666', 'REFUND'), ('09666', 'VOID_AUTHORIZATION'),
    ),
}
# The parameters of requests that a stranger may fill in.
ECHOES = (
    'agreement_id', 'amount', 'command', 'currency', 'customer_email', 'customer_ip',
    'customer_name', 'eci', 'fort_id', 'language', 'maintenance_reference', 'merchant_extra',
    'merchant_extra1', 'merchant_extra5', 'order_description', 'payment_option', 'phone_number',
    'recurring_mode', 'remember_me', 'return_url', 'sadad_olp', 'settlement_reference',
    'statement_descriptor', 'token_name', '3ds_url', 'a', 'response', 'sta', 'zz', 'zz_status',
)
PIECES = (
    'response_code=14000', 'status=14', 'response_code=14000status=14', 'fort_id=1', 'amount=1050',
    'currency=USD', 'command=PURCHASE', 'merchant_reference=', 'merchant_identifier=MID',
    'maintenance_reference=R1', 'token_name=', 'processor_', 'acquirer_', 'transaction_', 'token_',
    'new_', 'x', 'res', 'sta', 'zz=', 'a=', '=', '0', '14', 'status', 'response_code', ' ', 'é',
)
REFUSAL_CODES = ('00008', '00001', '00002', '00027', '00047', '00072')


def make_core(random):
    """ Return the fields that each message has. """
    return {
        'access_code': 'AC1', 'language': random.choice(('en', 'ar')), 'merchant_identifier': 'MID',
        'merchant_reference': f'{random.choice(NAMES)}-{random.choice(ENDINGS)}',
    }


def make_result(random, kind):
    """ Return a message whose status says that APS accepted the request.

    :param random.Random random: What decides.
    :param str kind: One of `KINDS`.
    :return: The fields, without signature.
    :rtype: dict
    """
    code, command = random.choice(KINDS[kind])
    fields = {
        **make_core(random), 'command': command, 'fort_id': '169996200024611493',
        'status': code[:2], 'response_code': code, 'response_message': 'Success',
    }
    if command != 'VOID_AUTHORIZATION':
        fields.update(amount='1050', currency='USD')
    if command == 'REFUND' and random.random() < 0.7:
        fields['maintenance_reference'] = random.choice(('R-S00037-UB4B8HPN', 'R2n', 'R.status'))
    if kind == 'success' and random.random() < 0.3:
        fields['token_name'] = random.choice(('Tok.en@1-a', 'b0b0b0'))
    for name in random.sample(sorted(OPTIONAL), random.randint(0, 12)):
        fields[name] = random.choice(OPTIONAL[name])
    return fields


def make_refusal(random):
    """ Return the refusal of a request that anybody may have sent.

    :param random.Random random: What decides.
    :return: The fields, without signature.
    :rtype: dict
    """
    code = random.choice(REFUSAL_CODES)
    fields = {**make_core(random), 'command': 'PURCHASE', 'amount': '1050', 'currency': 'USD'}
    for name in random.sample(ECHOES, random.randint(1, 6)):
        fields[name] = ''.join(random.choices(PIECES, k=random.randint(1, 4)))
    return {
        **fields, 'status': '00', 'response_code': code,
        'response_message': random.choice(('Signature mismatch', 'Bad status=14', 'Invalid')),
    }


def make_aimed_refusal(random):
    """ Return the refusal of a request that was made to have its answer cut into a success. """
    fields = {
        **make_core(random), 'command': 'PURCHASE', 'amount': '1050', 'currency': 'USD',
        'status': '00', 'response_code': '00008', 'response_message': 'Signature mismatch',
    }
    before, after = random.choice((
        ('processor_', 'transaction_'), ('processor_', 'token_'), ('', 'token_name='), ('', 'x='),
        ('a=', 'zz='), ('new_', 'zz_'), ('res', 'ta'), ('', ''),
    ))
    fields['order_description'] = f'x{random.choice(("", " "))}{before}'
    place = random.choice(('return_url', 'settlement_reference', 'statement_descriptor'))
    fields[place] = f'response_code=14000status=14{after}'
    if random.random() < 0.5:
        fields[random.choice(('customer_email', 'customer_name', 'eci'))] = 'fort_id=1'
    return fields
