from lxml import etree

from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from odoo.addons.payment_aps.tests.common import (
    MERCHANT_IDENTIFIER,
    REQUEST_PHRASE,
    TOKEN_NAME,
    APSCommon,
    sign,
)


@tagged('post_install', '-at_install')
class TestSettlementReference(APSCommon):
    """ The name by which the acquirer's settlement file tells of a payment. """

    def _save_card(self):
        """ Return a saved card. """
        return self.env['payment.token'].create({
            'provider_id': self.provider.id,
            'payment_method_id': self.card.id,
            'partner_id': self.partner.id,
            'payment_details': '0001',
            'provider_ref': TOKEN_NAME,
            'aps_merchant_identifier': MERCHANT_IDENTIFIER,
        })

    def test_acquirer_is_told_nothing_by_default(self):
        """ Test that an account that knows no such parameter goes on taking payments. """
        tx = self._create_transaction('redirect')
        charge = self._create_transaction('direct', operation='offline', reference='Charge')
        charge.token_id = self._save_card()
        self.assertNotIn('settlement_reference', tx._aps_prepare_form_values())
        self.assertNotIn('settlement_reference', charge._aps_prepare_charge_payload())

    def test_acquirer_is_told_the_reference(self):
        """ Test forms and charges; the parameter is signed like any other. """
        self.provider.aps_send_settlement_reference = True
        tx = self._create_transaction('redirect')
        inputs = self._extract_values_from_html_form(
            tx._get_processing_values()['redirect_form_html']
        )['inputs']
        self.assertEqual(inputs['settlement_reference'], tx.reference)
        signature = inputs.pop('signature')
        self.assertEqual(sign(inputs, REQUEST_PHRASE)['signature'], signature)

        charge = self._create_transaction('direct', operation='offline', reference='Charge')
        charge.token_id = self._save_card()
        payload = charge._aps_prepare_charge_payload()
        self.assertEqual(payload['settlement_reference'], 'Charge')

    def test_operations_send_no_parameter_that_is_not_documented_for_them(self):
        """ Test a refund, whose request knows no settlement reference. """
        self.provider.aps_send_settlement_reference = True
        tx = self._create_transaction('redirect')
        self._notify(self._build_message(tx, settlement_reference=tx.reference))
        refund = tx._create_child_transaction(1, is_refund=True, aps_operation='REFUND')
        payload = refund._aps_prepare_operation_payload()
        self.assertNotIn('settlement_reference', payload)

    def test_shortened_value_is_found_in_the_trail(self):
        """ Test a payment of another module, whose reference is too long for the acquirer. """
        self.provider.aps_send_settlement_reference = True
        tx = self._create_transaction(
            'redirect', reference='MEMBERSHIP-2026-00042-0000001-7K3MQWXA'
        )
        value = tx._aps_prepare_form_values()['settlement_reference']
        self.assertNotEqual(value, tx.reference)
        self._notify(self._build_message(tx, settlement_reference=value))

        domain = self._read_search_domain('Settlement Reference', value)
        message = self.env['payment.aps.message'].search(domain)
        self.assertEqual(message.merchant_reference, tx.reference)
        self.assertEqual(tx.state, 'done')

    def _read_search_domain(self, label, text):
        """ Return the domain of what is entered under a label in the search of messages. """
        views = self.env['payment.aps.message'].get_views(
            [(self.env.ref('payment_aps.payment_aps_message_search').id, 'search')]
        )['views']
        arch = etree.fromstring(views['search']['arch'])
        [field] = arch.xpath(f"//field[@string='{label}']")
        return safe_eval(field.get('filter_domain'), {'self': text})
