import logging
import re
import secrets
from urllib.parse import urljoin, urlsplit

from psycopg2 import errors

from odoo import _, api, models
from odoo.exceptions import ValidationError
from odoo.http import request
from odoo.tools import email_normalize

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps import const
from odoo.addons.payment_aps import utils as aps_utils
from odoo.addons.payment_aps.controllers.main import APSController
from odoo.addons.payment_aps.exceptions import APSMessageRefused

_logger = logging.getLogger(__name__)

# Without characters that are easily mistaken for one another when read aloud.
REFERENCE_ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
REFERENCE_SUFFIX_LENGTH = 8
# Leaves room for the `R-` and `P-` prefixes and the sequence numbers of child transactions, and of
# refunds of captures, in the 40 characters that APS grants.
REFERENCE_MAX_LENGTH = 30

# How often a lock is asked for anew because the payment was updated while we waited, and how long
# each wait may take. Together they stay below the time-out of APS's notifications.
LOCK_ATTEMPTS = 5
LOCK_TIMEOUT = '5s'

# What the application of an answer reads of a transaction. Odoo 19.0 has no callbacks.
ANSWER_FIELDS = (
    'reference', 'state', 'operation', 'amount', 'currency_id', 'company_id', 'partner_id',
    'partner_lang', 'provider_id', 'provider_reference', 'payment_method_id', 'token_id',
    'source_transaction_id', 'aps_command', 'aps_request_state', 'aps_next_check',
    'aps_request_date', 'aps_asked_date', 'aps_last_notice', 'create_date', 'last_state_change',
    'callback_is_done', 'callback_model_id', 'callback_res_id', 'callback_method', 'callback_hash',
)


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - REQUEST ===#

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
            prefix = aps_utils.to_latin(prefix)  # The engine drops digits of other scripts.
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
        readable_part = aps_utils.to_latin(readable_part).encode('ascii', 'ignore').decode()
        readable_part = re.sub(r'[^A-Za-z0-9_]+', '-', readable_part).strip('-')
        readable_part = readable_part[:REFERENCE_MAX_LENGTH - REFERENCE_SUFFIX_LENGTH - 1]
        readable_part = readable_part.strip('-') or payment_utils.singularize_reference_prefix()
        suffix = ''.join(
            secrets.choice(REFERENCE_ALPHABET) for _i in range(REFERENCE_SUFFIX_LENGTH)
        )
        return f'{readable_part}-{suffix}'

    def _get_specific_rendering_values(self, processing_values):
        """ Override of `payment` to return the signed fields of the redirect form.

        Note: `self.ensure_one()` from `_get_processing_values`

        :param dict processing_values: What the engine knows about the transaction.
        :return: The fields of the redirect form and the address to post them to.
        :rtype: dict
        """
        res = super()._get_specific_rendering_values(processing_values)
        if self.provider_code != 'aps':
            return res

        form_values = self._aps_prepare_form_values()
        return aps_utils.MaskedValues(
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
            'access_code': provider_sudo.aps_access_code,
            'merchant_identifier': provider_sudo.aps_merchant_identifier,
            'merchant_reference': self.reference,
            'amount': str(aps_utils.to_minor_units(self.amount, currency_code)),
            'currency': currency_code,
            'language': aps_utils.get_language(self.partner_lang),
            'customer_email': self._aps_get_customer_email(),
            'return_url': urljoin(provider_sudo._aps_get_return_base(), APSController._return_url),
            'order_description': self._aps_get_order_description(),
            'customer_ip': self._aps_get_customer_ip(),
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
        values = aps_utils.get_option_fields(self.payment_method_code)
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
        if aps_utils.is_payable(self.amount, currency_code):
            return
        if aps_utils.to_minor_units(self.amount, currency_code) <= 0:
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

    def _aps_get_documents(self):
        """ Return the orders and invoices that are paid; their modules are optional.

        :return: The documents, of several models.
        :rtype: list[recordset]
        """
        return [
            document for name in const.DOCUMENT_FIELDS if name in self._fields
            for document in self[name]
        ]

    def _aps_get_phone(self):
        """ Return the phone number of the shopper, which some methods ask for.

        :return: The phone number, fit for APS.
        :rtype: str
        :raise ValidationError: If there is none.
        """
        phone = aps_utils.clean_phone(self.partner_phone)
        if not phone:
            raise ValidationError(_(
                "%(method)s needs your phone number. Add it to your address, or choose another "
                "payment method.",
                method=self.payment_method_id.name,
            ))
        return phone

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

    def _aps_get_command(self):
        """ Return whether the amount is to be taken at once or to be reserved only.

        :return: `PURCHASE` or `AUTHORIZATION`.
        :rtype: str
        """
        return self.provider_id._aps_get_payment_command(self.payment_method_code, self.operation)

    def _aps_get_customer_email(self):
        """ Return an address for the mandatory e-mail of the customer.

        Point of sale, kiosk, payment link and donations know no e-mail of the customer. The company
        receives APS's e-mails then.

        :return: The first address at hand that APS accepts.
        :rtype: str
        """
        for candidate in self._aps_list_emails():
            email = email_normalize(candidate or '', strict=False)
            if aps_utils.fits_limits('customer_email', email):
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

    def _aps_get_order_description(self):
        """ Return the names of the documents that are paid.

        :return: The names, fit for APS; empty if there are none.
        :rtype: str
        """
        names = [document.name for document in self._aps_get_documents()]
        description = aps_utils.clean_value('order_description', ' '.join(filter(None, names)))
        # Those who ask for a phone number ask for a description as well.
        return description or (self.reference if self._aps_get_option().phone else '')

    def _aps_get_customer_ip(self):
        """ Return the IP address of the shopper.

        :return: The address; empty outside of a shopper's request.
        :rtype: str
        """
        return aps_utils.clean_ip(payment_utils.get_customer_ip_address())

    #=== BUSINESS METHODS - ANSWERS ===#

    @api.model
    def _aps_search(self, message):
        """ Return the transaction that a message names, and its provider.

        Anybody can cause this, so it is one query.

        :param dict message: The message, not necessarily authentic.
        :return: The payment's transaction and its provider, if any.
        :rtype: tuple[recordset of `payment.transaction`, recordset of `payment.provider`]
        """
        reference, tx = message.get('merchant_reference'), self.browse()
        if aps_utils.is_reference(reference):
            tx = self.sudo().search_fetch(
                [('reference', '=', reference), ('provider_id.code', '=', 'aps')],
                ['reference', 'provider_id'],
            ).sudo(self.env.su)
        return tx, tx.provider_id

    def _aps_verify_signature(self, message):
        """ Return whether a message was signed by APS for the account of the transaction.

        Note: `self.ensure_one()`

        :param dict message: The message, exactly as received.
        :return: Whether the signature is right.
        :rtype: bool
        """
        self.ensure_one()
        return self.provider_id._aps_verify_signature(message)

    def _aps_lock(self):
        """ Lock the transaction, so that answers about the same payment are applied one by one.

        A database transaction sees the data as of its first query. If another answer is applied
        while we wait for the lock, PostgreSQL refuses to give us the row as we no longer see its
        latest state. So we start over at once, which is possible because nothing was written yet,
        rather than leave it to Odoo, which waits for a random time of seconds.

        Note: `self.ensure_one()`; must be called before anything is written.

        :return: The transaction, with its latest state.
        :rtype: recordset of `payment.transaction`
        :raise psycopg2.OperationalError: If the lock is not to be had in time.
        """
        self.ensure_one()
        attempts = 0
        while True:
            attempts += 1
            try:
                self._aps_execute_lock(wait=attempts > 1)
                self._aps_fetch()
                return self
            except (errors.LockNotAvailable, errors.SerializationFailure):
                self.env.cr.rollback()
                self.env.invalidate_all(flush=False)
                if attempts == LOCK_ATTEMPTS:
                    raise

    def _aps_execute_lock(self, wait):
        """ Ask PostgreSQL for the lock of the transaction.

        :param bool wait: Whether to wait for whoever holds the lock.
        :return: None
        """
        query = 'SELECT 1 FROM payment_transaction WHERE id = %s FOR NO KEY UPDATE'
        if wait:
            self.env.cr.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        else:
            query += ' NOWAIT'
        self.env.cr.execute(query, [self.id], log_exceptions=False)

    def _aps_fetch(self):
        """ Read in two queries what the application of an answer reads of payment and provider.

        Fields that are restricted to a group would be read one by one.
        """
        self.fetch([name for name in ANSWER_FIELDS if name in self._fields])
        self.provider_id._aps_fetch_account()

    def _aps_check_message(self, message):
        """ Check that an authentic message fits the transaction.

        Every answer passes through here before it is applied, by whatever way it came.

        Note: `self.ensure_one()`

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise APSMessageRefused: If the message is about something else than this payment.
        """
        self.ensure_one()
        provider_sudo = self.provider_id.sudo()
        if message.get('merchant_reference') != self.reference:
            self._aps_refuse(message, "the reference is that of another payment")
        if message.get('merchant_identifier') != provider_sudo.aps_merchant_identifier:
            self._aps_refuse(message, "the merchant is another one")
        if not all(
            isinstance(message.get(name), str) and message[name]
            for name in ('status', 'response_code')
        ):
            self._aps_refuse(message, "the status is missing")
        for name, pattern in const.ANSWER_PATTERNS.items():
            if message.get(name) and not re.fullmatch(pattern, str(message[name])):
                self._aps_refuse(message, f"the field {name} is malformed")
        if self.source_transaction_id:
            self._aps_refuse(message, "the transaction is not a payment")
        if message.get('query_command') == 'CHECK_STATUS':
            return  # Reports sums, which are compared when they are applied.
        if message.get('command') in const.PAYMENT_COMMANDS:
            self._aps_check_amount(message)
        elif message.get('command') in const.OPERATION_STATUSES:
            self._aps_check_operation_amount(message)
        else:
            self._aps_refuse(message, "the command is unknown")

    def _aps_check_amount(self, message):
        """ Check that an answer about the payment is about its amount, in its currency.

        A request that APS found to be invalid may be answered without them.

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise APSMessageRefused: If amount or currency differ from those of the transaction.
        """
        if message['status'] == '00' and not message.get('amount') and not message.get('currency'):
            return
        if message.get('currency') != self.currency_id.name:
            self._aps_refuse(message, f"the currency is not {self.currency_id.name}")
        if aps_utils.parse_minor_units(message.get('amount')) != self._aps_to_minor():
            self._aps_refuse(message, f"the amount is not {self._aps_to_minor()}")

    def _aps_check_operation_amount(self, message):
        """ Check that an answer about an operation can be about this payment.

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise APSMessageRefused: If the currency is another one, or the amount exceeds the payment.
        """
        if message.get('currency') and message['currency'] != self.currency_id.name:
            self._aps_refuse(message, f"the currency is not {self.currency_id.name}")
        amount = message.get('amount')
        if amount:
            amount_minor = aps_utils.parse_minor_units(amount)
            if amount_minor is None or not 0 < amount_minor <= self._aps_to_minor():
                self._aps_refuse(message, "the amount exceeds that of the payment")

    def _aps_refuse(self, message, reason):
        """ Refuse a message.

        :param dict message: The message.
        :param str reason: The rule that refuses it, for the log and the trail.
        :raise APSMessageRefused: In any case.
        """
        self.env['payment.aps.message'].sudo()._aps_mark_refused(message, reason)
        raise APSMessageRefused(reason, aps_utils.describe_message(message))

    def _aps_apply(self, message):
        """ Apply an answer to the payment and to the transactions that capture or refund it.

        Applying the same answer twice changes nothing, and neither does one that is overtaken by
        what is known already.

        Note: `self.ensure_one()`

        :param dict message: The message, authentic and checked.
        :return: None
        """
        self.ensure_one()
        if message.get('query_command') == 'CHECK_STATUS':
            self._aps_apply_status(message)
        elif message.get('command') in const.OPERATION_STATUSES:
            self._aps_apply_operation(message)
        else:
            self._aps_apply_payment(message)

    def _aps_apply_payment(self, message):
        """ Bring the transaction to the state that an answer about the payment tells.

        :param dict message: The message, authentic and checked.
        :return: None
        """
        status, response_code = message.get('status') or '', message.get('response_code') or ''
        target_state = aps_utils.get_target_state(status, response_code)
        if not target_state or not self._aps_is_plausible(target_state, message):
            _logger.warning(
                "Answer from APS not understood for %s: %s",
                self.reference, aps_utils.describe_message(message),
            )
            target_state = 'pending'  # Never guess about money.
        if not self._aps_can_become(target_state):
            _logger.info(
                "Answer from APS changes nothing for %s in state %s: %s",
                self.reference, self.state, aps_utils.describe_message(message),
            )
            self._aps_tokenize(message, target_state)
            self._aps_update_message(target_state, response_code)
            return
        was_failed = self.state in ('cancel', 'error')
        was_unclear = self.state == 'pending' and bool(self.state_message)
        if was_failed and aps_utils.is_unfinished(status, response_code) and (
            target_state == 'pending'
        ):
            self._aps_note_next_attempt()
            return
        self._aps_update_references(message, target_state)
        self._aps_set_state(target_state, response_code)
        self._aps_tokenize(message, target_state)
        if (was_failed and target_state == 'pending') or (
            was_unclear and target_state in ('cancel', 'error')
        ):  # The answers to two attempts may come in any order; only APS knows which one counts.
            self._aps_schedule_check(at_once=True)
        if self.aps_last_notice and self.state in ('authorized', 'done'):
            self._aps_take_over_sums()  # An operation was told before the payment itself.

    def _aps_note_repetition(self, message):
        """ Have APS asked if a repeated message contradicts what is believed by now.

        Two attempts that end alike are told in the same words, so it may be about another one.

        :param dict message: An answer about the payment, authentic, which was applied before.
        :return: None
        """
        state = aps_utils.get_target_state(
            message.get('status') or '', message.get('response_code') or ''
        )
        is_failure, was_failed = (one in ('cancel', 'error') for one in (state, self.state))
        is_open = self.state == 'pending' or was_failed
        if is_open and state != self.state and is_failure != was_failed:
            self._aps_schedule_check(at_once=True)

    def _aps_can_become(self, target_state, is_captured=False):
        """ Return whether an answer may bring the payment to a state.

        :param str target_state: The state.
        :param bool is_captured: Whether the answer tells that an amount was captured.
        :return: Whether it may.
        :rtype: bool
        """
        final_commands = {'VOID_AUTHORIZATION'}
        if not is_captured:  # After all, the amount had not been released.
            final_commands.add('LAPSE')
        is_released = self.state == 'cancel' and any(
            tx.aps_command in final_commands and tx.state == 'cancel'
            for tx in self._aps_get_family()
        )
        return self.state in const.SOURCE_STATES[target_state] and not (
            is_released and target_state in ('authorized', 'pending')
        )

    @staticmethod
    def _aps_is_plausible(target_state, message):
        """ Return whether an answer has all that a success must have.

        :param str target_state: The state that the status stands for.
        :param dict message: The message.
        :return: Whether the state can be believed.
        :rtype: bool
        """
        if target_state not in ('authorized', 'done'):
            return True
        is_plain_success = message['response_code'][2:] == const.SUCCESS_MESSAGE_CODE
        return is_plain_success or bool(message.get('fort_id'))

    def _aps_update_references(self, message, target_state):
        """ Take over APS's number of the payment and the method that was used.

        :param dict message: The message.
        :param str target_state: The state that the transaction is about to have.
        :return: None
        """
        values = {}
        fort_id = message.get('fort_id')
        is_success = target_state in ('authorized', 'done')
        if fort_id and fort_id != self.provider_reference:
            values['provider_reference'] = fort_id
        elif not fort_id and is_success and self.state in ('cancel', 'error'):
            values['provider_reference'] = False  # It is the number of an attempt that failed.
        payment_method = self._aps_find_payment_method(message.get('payment_option'))
        # A wallet or a plan answers with the card that is behind it.
        is_chosen_by_option = 'payment_option' in aps_utils.get_option_fields(
            self.payment_method_code
        )
        if payment_method and payment_method != self.payment_method_id and is_chosen_by_option:
            values['payment_method_id'] = payment_method.id
        if values:
            self.write(values)

    def _aps_find_payment_method(self, payment_option):
        """ Return the payment method or brand that was used, active or not.

        :param str|None payment_option: The payment option of the answer.
        :return: The payment method; empty if the option is not known.
        :rtype: recordset of `payment.method`
        """
        payment_method_model = self.env['payment.method'].with_context(active_test=False)
        code = aps_utils.get_payment_method_code(payment_option)
        if not code:
            return payment_method_model
        return payment_method_model.search([('code', '=', code)], limit=1)

    def _aps_set_state(self, target_state, response_code):
        """ Set the state, with a message for the shopper in their language.

        :param str target_state: The state, which the transaction can take.
        :param str response_code: The response code of the answer.
        :return: None
        """
        if target_state == 'cancel' and self.operation == 'offline':
            # There is no shopper; and it has no accounting payment any more.
            target_state = 'error'
        tx = self._aps_with_shopper_lang()
        former_state = self.state
        source_states = const.SOURCE_STATES[target_state]
        self._aps_note_reason(target_state, response_code)
        if target_state == 'pending':
            tx._set_pending(
                state_message=tx._aps_get_pending_message(response_code),
                extra_allowed_states=source_states,
            )
        elif target_state == 'authorized':
            tx._set_authorized(extra_allowed_states=source_states)
        elif target_state == 'done':
            tx._set_done(extra_allowed_states=source_states)
        elif target_state == 'cancel':
            tx._set_canceled(
                state_message=tx._aps_get_failure_message(response_code),
                extra_allowed_states=source_states,
            )
        else:
            tx._set_error(
                tx._aps_get_failure_message(response_code), extra_allowed_states=source_states
            )
        if target_state == 'done' and not self._aps_is_check_due():
            self.aps_next_check = False
        elif target_state in ('authorized', 'pending') and not self._aps_is_check_due():
            self._aps_schedule_check()
        if target_state == 'done' and former_state != 'draft':
            self._aps_reopen_accounting()
        if former_state in ('cancel', 'error'):
            _logger.warning(
                "%s was %s but turns out to be %s", self.reference, former_state, target_state
            )

    def _aps_with_shopper_lang(self):
        """ Return the transaction in a context whose language is that of the shopper. """
        installed = dict(self.env['res.lang'].get_installed())
        lang = self.partner_lang if self.partner_lang in installed else self.env.lang
        return self.with_context(lang=lang)
