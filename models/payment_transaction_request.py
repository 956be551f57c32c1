import re
import secrets
from urllib.parse import urljoin, urlsplit

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError
from odoo.http import request
from odoo.tools import email_normalize

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.masking import MaskedValues
from odoo.addons.payment_aps.aps.schedule import get_next_check
from odoo.addons.payment_aps.aps.values import (
    clean_ip,
    clean_phone,
    clean_value,
    fits_limits,
    get_language,
    get_option_fields,
    get_settlement_reference,
    is_payable,
    to_latin,
    to_minor_units,
)
from odoo.addons.payment_aps.controllers.main import APSController
from odoo.addons.payment_aps.controllers.paying_twice import ANEW_URL
from odoo.addons.payment_aps.models.payment_transaction import DOCUMENT_FIELDS

# Without characters that are easily mistaken for one another when read aloud.
REFERENCE_ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
REFERENCE_SUFFIX_LENGTH = 8
# Leaves room for the `R-` and `P-` prefixes and the sequence numbers of child transactions, and of
# refunds of captures, in the 40 characters that APS grants.
REFERENCE_MAX_LENGTH = 30


class PaymentTransaction(models.Model):
    """ What is sent to APS along with the shopper, and whether it may be. """

    _inherit = 'payment.transaction'

    #=== CRUD METHODS ===#

    @api.model
    def _get_specific_create_values(self, provider_code, values):
        """ Override of `payment` to have payments asked about until they are settled, and to talk
        to shoppers in the language of the page that they read.
        """
        res = super()._get_specific_create_values(provider_code, values)
        if provider_code != 'aps' or values.get('source_transaction_id'):
            return res
        now = fields.Datetime.now()
        provider = self.env['payment.provider'].browse(values['provider_id'])
        method_sudo = self.env['payment.method'].sudo().browse(values.get('payment_method_id'))
        method_sudo.fetch(['code'])  # Else all of it would be read.
        is_online = (values.get('operation') or '').startswith('online')
        lang = is_online and self._aps_get_page_lang()
        return {
            **res,
            **({'partner_lang': lang} if lang else {}),
            'aps_account': provider._aps_get_account_digest(),
            'aps_payment_command': provider._aps_get_payment_command(
                method_sudo.code, values.get('operation'), bool(values.get('pos_order_id'))
            ),
            'aps_next_check': get_next_check(
                now, now, self._aps_get_draft_schedule(values.get('operation'))
            ),
            **self._aps_prepare_noted_invoices(values),
        }

    @api.model
    def _aps_get_page_lang(self):
        """ Return the language of the page that a shopper reads.

        The routes by which payments are made belong to no website, as a rule, so the page is known
        by the cookie that it has set.

        :return: The code of an installed language; `None` if there is no page.
        :rtype: str | None
        """
        if not request:
            return None
        is_page = getattr(request, 'is_frontend', False)
        code = self.env.lang if is_page else request.httprequest.cookies.get('frontend_lang')
        return code if code in dict(self.env['res.lang'].get_installed()) else None

    #=== BUSINESS METHODS - REFERENCE ===#

    @api.model
    def _compute_reference(self, provider_code, prefix=None, separator='-', **kwargs):
        """ Override of `payment` to make references that APS accepts.

        APS accepts letters, digits, `-`, `_` and `.`, 40 at most, and wants a reference to be
        unique for ever. A random suffix makes it so, even for two shoppers in the same second, or
        after the database was restored to an earlier day.

        The references of child transactions are left as they are. They are derived from that of the
        source transaction, so that an operation that is repeated after a rollback has the same
        reference as the first time.

        :param str provider_code: Whose transaction it will be.
        :param str prefix: What the reference begins with, such as the name of the order.
        :param str separator: What the engine puts between the prefix and its own number.
        :return: The reference.
        :rtype: str
        """
        if provider_code == 'aps' and prefix:
            prefix = to_latin(prefix)  # The engine drops digits of other scripts.
        reference = super()._compute_reference(
            provider_code, prefix=prefix, separator=separator, **kwargs
        )
        if provider_code != 'aps':
            return reference
        if len(self) == 1 and prefix in (f'R-{self.reference}', f'P-{self.reference}'):
            return reference
        return self._aps_make_reference(reference)

    @api.model
    def _aps_make_reference(self, readable_part):
        """ Return a reference that APS accepts and has never seen.

        :param str readable_part: The name of the document, or what else tells about the payment.
        :return: The reference.
        :rtype: str
        """
        readable_part = to_latin(readable_part).encode('ascii', 'ignore').decode()
        readable_part = re.sub(r'[^A-Za-z0-9_]+', '-', readable_part).strip('-')
        readable_part = readable_part[:REFERENCE_MAX_LENGTH - REFERENCE_SUFFIX_LENGTH - 1]
        readable_part = readable_part.strip('-') or payment_utils.singularize_reference_prefix()
        suffix = ''.join(
            secrets.choice(REFERENCE_ALPHABET) for _i in range(REFERENCE_SUFFIX_LENGTH)
        )
        return f'{readable_part}-{suffix}'

    #=== BUSINESS METHODS - FORM ===#

    def _get_specific_rendering_values(self, processing_values):
        """ Override of `payment` to return the signed fields of the redirect form.

        If another payment makes this one needless, the form leads to a page that says so first.

        Note: `self.ensure_one()` from `_get_processing_values`

        :param dict processing_values: What the engine knows about the transaction.
        :return: The fields of the redirect form and the address to post them to.
        :rtype: dict
        """
        res = super()._get_specific_rendering_values(processing_values)
        if self.provider_code != 'aps':
            return res

        form_values = self._aps_sign_form()
        if self.sudo()._aps_get_prior_standing():
            return {'anew_url': ANEW_URL}
        return form_values

    def _aps_sign_form(self):
        """ Return the signed fields of the redirect form, and the address to post them to.

        :return: The values of the form.
        :rtype: MaskedValues
        """
        form_values = self._aps_prepare_form_values()
        return MaskedValues(
            form_values,
            signature=self.provider_id._aps_calculate_signature(form_values, incoming=False),
            api_url=self.provider_id._aps_get_api_url(),
        )

    def _aps_prepare_form_values(self):
        """ Return the fields of the redirect form, unsigned.

        Fields without value are left out: an empty input would be posted without being signed.
        See https://paymentservices.amazon.com/docs/api/accepting-payments/hosted-checkout.

        :return: The fields.
        :rtype: dict
        """
        self._aps_check_offer()
        self._aps_note_request()
        provider_sudo = self.provider_id.sudo()
        currency_code = self.currency_id.name
        values = {
            'command': self._aps_get_command(),
            **provider_sudo._aps_get_account().identity,
            'merchant_reference': self.reference,
            'amount': str(to_minor_units(self.amount, currency_code)),
            'currency': currency_code,
            'language': get_language(self.partner_lang),
            'customer_email': self._aps_get_customer_email(),
            'return_url': urljoin(provider_sudo._aps_get_return_base(), APSController._return_url),
            'order_description': self._aps_get_order_description(),
            'customer_ip': self._aps_get_customer_ip(),
            'settlement_reference': self._aps_get_settlement_reference(),
            **self._aps_prepare_method_values(),
        }
        return {name: value for name, value in values.items() if value}

    def _aps_prepare_method_values(self):
        """ Return the fields of the redirect form that say what is paid with.

        :return: The fields of the payment method, or the saved card.
        :rtype: dict
        :raise ValidationError: If the method needs a phone number, and there is none.
        """
        if self.token_id:
            return {'token_name': self.token_id.provider_ref}
        values = get_option_fields(self.payment_method_code)
        if self._aps_get_option().phone:
            values['phone_number'] = self._aps_get_phone()
        if self._aps_preselects_saving():
            values['remember_me'] = 'YES'
        return values

    def _aps_get_option(self):
        """ Return what can be done with the payment method.

        :return: The row of the table of payment options; that of cards for a card of any brand.
        :rtype: const.PaymentOption
        """
        return const.OPTIONS_BY_METHOD.get(self.payment_method_code, const.ANY_CARD)

    def _aps_get_command(self):
        """ Return whether the amount is to be taken at once or to be reserved only.

        :return: `PURCHASE` or `AUTHORIZATION`.
        :rtype: str
        """
        return self.provider_id._aps_get_payment_command(
            self.payment_method_code, self.operation, self._aps_is_at_till()
        )

    def _aps_is_at_till(self):
        """ Return whether an order of a point of sale is paid, whose module is optional. """
        return 'pos_order_id' in self._fields and bool(self.pos_order_id)

    def _aps_note_request(self):
        """ Remember the merchant account and command that the payment is about to be made with.

        The settings of the provider may have changed since the transaction was created.

        :return: None
        """
        account, command = self.provider_id._aps_get_account_digest(), self._aps_get_command()
        if (self.aps_account, self.aps_payment_command) != (account, command):
            self.write({'aps_account': account, 'aps_payment_command': command})

    #=== BUSINESS METHODS - OFFER ===#

    def _aps_check_offer(self):
        """ Check that this payment can be made with the provider, or the saved card, at all.

        What a payment form offers is never refused. A live provider takes real money, so nobody has
        to be kept from using it, whatever a crafted request names. A payment in test mode costs
        nothing, so it has to be one that the engine offers.

        :return: None
        :raise ValidationError: If it can't be made.
        """
        if self.token_id:
            self.token_id._aps_check_usable(self.provider_id)
        state = self.provider_id.sudo().state
        # What is charged without the shopper is not limited by what the shop offers.
        is_free = state == 'test' and self.operation != 'offline'
        if state == 'disabled' or (is_free and not self._aps_is_offered()):
            raise ValidationError(_(
                "This payment can't be made with %(method)s. Choose another payment method.",
                method=self.payment_method_id.name,
            ))
        self._aps_check_limits()

    def _aps_check_limits(self):
        """ Check that the amount is one that APS takes.

        :return: None
        :raise ValidationError: If it is nothing at APS, or has too many digits.
        """
        currency_code = self.currency_id.name
        if is_payable(self.amount, currency_code):
            return
        if to_minor_units(self.amount, currency_code) <= 0:
            raise ValidationError(_(
                "%(amount)s is less than the smallest amount that can be paid with %(method)s. "
                "Choose another payment method.",
                amount=self.currency_id.format(self.amount), method=self.payment_method_id.name,
            ))
        raise ValidationError(_(
            "%(amount)s is too much for one payment with %(method)s, which takes %(maximum)s at "
            "most. Choose another payment method.",
            amount=self.currency_id.format(self.amount), method=self.payment_method_id.name,
            maximum=self._aps_format(const.MAX_AMOUNT_MINOR),
        ))

    def _aps_is_offered(self):
        """ Return whether the engine offers the provider for each of the documents.

        :return: Whether it does, with what other modules offer or withhold.
        :rtype: bool
        """
        return all(map(self._aps_is_offered_for, self._aps_get_documents() or [self]))

    def _aps_is_offered_for(self, document):
        """ Return whether the engine offers the provider to one of those whom the form may be for.

        It is made for the customer of the document or the user who is logged in, and then the
        transaction for the billing address. Limits of amount, country and currency protect nothing
        in test mode, so they are left out, by asking for no amount, nobody and no currency as well.

        :param recordset document: The order or invoice; the transaction itself if there is none.
        :return: Whether it does.
        :rtype: bool
        """
        options = {}
        if document._name == 'sale.order':
            options['sale_order_id'] = document.id
            if 'website_id' in document._fields:  # The module of shops is optional.
                options['website_id'] = document.website_id.id
        partners = self.partner_id | document.partner_id | self.env.user.partner_id
        providers_sudo = self.provider_id.sudo()
        return any(
            self.provider_id in providers_sudo._get_compatible_providers(
                document.company_id.id, partner_id, 0, currency_id=currency_id, **options
            )
            for partner_id in (*partners.ids, False)
            for currency_id in (self.currency_id.id, None)
        )

    def _ensure_provider_is_not_disabled(self):
        """ Override of `payment` to move no money without a shopper in a copy of the database.

        The engine calls it before it charges a saved card, captures, voids or refunds, and before
        it writes anything. So a charge doesn't end as a failure of the customer.

        :return: None
        :raise UserError: If the provider waits for an administrator to confirm the database.
        """
        super()._ensure_provider_is_not_disabled()
        is_shopper_present = self.operation == 'online_token' and self.state == 'draft'
        if self.provider_code == 'aps' and not is_shopper_present:
            self.provider_id._aps_ensure_confirmed()

    #=== BUSINESS METHODS - SHOPPER ===#

    def _aps_get_documents(self):
        """ Return the orders and invoices that are paid; their modules are optional.

        :return: The documents, of several models.
        :rtype: list[recordset]
        """
        return [
            document for name in DOCUMENT_FIELDS if name in self._fields
            for document in self[name]
        ]

    def _aps_get_customer_email(self):
        """ Return an address for the mandatory e-mail of the customer.

        Point of sale, kiosk, payment link and donations know no e-mail of the customer. The company
        receives APS's e-mails then.

        :return: The first address at hand that APS accepts.
        :rtype: str
        """
        for candidate in self._aps_list_emails():
            email = email_normalize(candidate or '', strict=False)
            if fits_limits('customer_email', email):
                return email
        host = urlsplit(self.provider_id.get_base_url()).hostname or ''
        is_domain = re.fullmatch(r'[a-z0-9.-]+\.[a-z]{2,}', host)  # Not localhost, not an IP.
        return f'noreply@{host if is_domain else "example.com"}'

    def _aps_list_emails(self):
        """ Return the addresses at hand, one by one: the company is read only if need be.

        :return: The addresses, which may be missing or unusable.
        :rtype: Iterator[str | bool]
        """
        yield self.partner_email
        yield self.partner_id.email
        yield self.company_id.email
        yield self.company_id.partner_id.email

    def _aps_get_phone(self):
        """ Return the phone number of the shopper, which some methods ask for.

        :return: The phone number, fit for APS.
        :rtype: str
        :raise ValidationError: If there is none.
        """
        phone = clean_phone(self.partner_phone)
        if not phone:
            raise ValidationError(_(
                "%(method)s needs your phone number. Add it to your address, or choose another "
                "payment method.",
                method=self.payment_method_id.name,
            ))
        return phone

    def _aps_get_order_description(self):
        """ Return the names of the documents that are paid.

        :return: The names, fit for APS; empty if there are none.
        :rtype: str
        """
        names = [document.name for document in self._aps_get_documents()]
        description = clean_value('order_description', ' '.join(filter(None, names)))
        # Those who ask for a phone number ask for a description as well.
        return description or (self.reference if self._aps_get_option().phone else '')

    def _aps_get_customer_ip(self):
        """ Return the IP address of the shopper.

        :return: The address; empty outside of a shopper's request.
        :rtype: str
        """
        return clean_ip(payment_utils.get_customer_ip_address())

    def _aps_get_settlement_reference(self):
        """ Return the text by which the settlement file of the acquirer is to name the payment.

        :return: The text; empty unless the merchant wants it to be sent.
        :rtype: str
        """
        is_wanted = self.provider_id.sudo().aps_send_settlement_reference
        return get_settlement_reference(self.reference) if is_wanted else ''
