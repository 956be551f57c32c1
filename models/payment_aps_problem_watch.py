import logging
from datetime import datetime, timedelta

from markupsafe import Markup

from odoo import _, api, fields, models

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.conflicts import CONFLICTS, unwrapped
from odoo.addons.payment_aps.models.payment_aps_problem import AUTHORIZED, NOT_BOOKED, UNSETTLED
from odoo.addons.payment_aps.models.payment_provider import ACCOUNT_FIELDS
from odoo.addons.payment_aps.models.payment_transaction_booking import BOOKING_DELAY

_logger = logging.getLogger(__name__)

ACTIVITY_TYPE = 'payment_aps.mail_activity_type_problem'
ACTIVITY_ITEM = Markup(
    '<li><a href="/mail/view?model=payment.aps.problem&amp;res_id=%s"><b>%s</b></a><br/>%s</li>'
)
# How many problems of a kind are found in one run, and named in one activity.
MAX_FOUND = 500
MAX_NAMED = 20
# How often the watch tries to book a payment that the engine has given up, and how many in a run.
BOOKING_INTERVAL = timedelta(days=1)
MAX_BOOKINGS = 20
# From which age on nobody has captured an authorization for too long, in days.
LAPSING_DAYS = 5
# How long an outcome may be open that nobody is to ask about, and for how long a check may be due.
OPEN_DELAY = timedelta(hours=1)
DUE_DELAY = timedelta(days=1)
# How many payments of a day tell that notifications are missing, how long each may take, and how
# many messages of a way are looked at for them.
SILENT_PAYMENTS = 3
NOTIFICATION_DELAY = timedelta(minutes=15)
MAX_MESSAGES = 75

FIND_BY_STATE = """
    SELECT id FROM payment_transaction
     WHERE provider_id = ANY(%(provider_ids)s) AND {condition}
       AND last_state_change BETWEEN %(begin)s AND %(end)s
     ORDER BY last_state_change, id LIMIT {limit}
"""
FIND_NOT_BOOKED = FIND_BY_STATE.format(condition=NOT_BOOKED, limit=MAX_FOUND)
FIND_AUTHORIZED = FIND_BY_STATE.format(condition=AUTHORIZED, limit=MAX_FOUND)
# An operation is asked about with its payment, two generations above it at most.
FIND_UNSETTLED = f"""
    SELECT COALESCE(source.source_transaction_id, source.id, tx.id)
      FROM (
            SELECT id, source_transaction_id, aps_next_check,
                   COALESCE(aps_request_date, last_state_change, create_date) AS begin_date
              FROM payment_transaction
             WHERE provider_id = ANY(%(provider_ids)s) AND {UNSETTLED}
           ) AS tx
 LEFT JOIN payment_transaction source ON source.id = tx.source_transaction_id
 LEFT JOIN payment_transaction root ON root.id = source.source_transaction_id
     WHERE tx.begin_date <= %(begin)s
       AND COALESCE(root.aps_next_check, source.aps_next_check, tx.aps_next_check, '-infinity')
           <= %(due)s
     LIMIT {MAX_FOUND}
"""
# Accounts with enough payments of the last day of which a return or an answer told, but no
# notification at all. Only what belongs to the present account counts. Whatever PostgreSQL thinks
# of the distribution of dates, each part can but follow an index.
LATEST_MESSAGES = f"""
    (
        SELECT merchant_reference FROM payment_aps_message
         WHERE provider_id = known.provider_id AND account = known.digest
           AND channel = '{{channel}}'
           AND create_date BETWEEN %(begin)s AND %(end)s
         ORDER BY create_date DESC LIMIT {MAX_MESSAGES}
    )
"""
FIND_SILENT = f"""
    SELECT provider_id FROM unnest(%(provider_ids)s, %(accounts)s) AS known (provider_id, digest)
     WHERE COALESCE((
            SELECT max(create_date) FROM payment_aps_message
             WHERE provider_id = known.provider_id AND account = known.digest
               AND channel = 'webhook'
           ), '-infinity') < %(begin)s
       AND (
            SELECT count(*)
              FROM (
                    SELECT 1
                      FROM (
                            {LATEST_MESSAGES.format(channel='return')}
                            UNION
                            {LATEST_MESSAGES.format(channel='answer')}
                           ) AS told
                CROSS JOIN LATERAL (
                            SELECT 1 FROM payment_transaction
                             WHERE reference = told.merchant_reference
                               AND provider_id = known.provider_id
                               AND aps_account = known.digest
                               AND state IN ('authorized', 'done') AND operation LIKE 'online%%'
                               AND create_date >= %(begin)s
                             LIMIT 1
                           ) AS payment
                     LIMIT {SILENT_PAYMENTS}
                   ) AS payments
           ) >= {SILENT_PAYMENTS}
"""


class PaymentAPSProblem(models.Model):
    """ The hourly watch: it finds what nothing announces, ends what is over, tells the rest. """

    _inherit = 'payment.aps.problem'

    #=== BUSINESS METHODS - RUN ===#

    @api.model
    def _cron_aps_watch(self):
        """ Find problems, end those that are over, and tell who is in charge of the others.

        :return: None
        """
        self._aps_do(self._aps_find_problems)
        problems = self.search([
            '|', ('end_date', '=', False), ('activity_id', '!=', False),
        ], order='id')
        for step in (
            problems._aps_end_what_is_over, problems._aps_retry_bookings, problems._aps_tell
        ):
            self._aps_do(step)

    @api.model
    def _aps_do(self, step):
        """ Do one step of the watch and commit it, so that the others don't depend on it.

        :param callable step: The step.
        :return: None
        """
        try:
            step()
            self.env.cr.commit()  # pylint: disable=invalid-commit
        except CONFLICTS:  # Others write the same rows; it is done in an hour.
            self.env.cr.rollback()
        except Exception:
            self.env.cr.rollback()
            _logger.exception("A step of the watch for problems failed.")

    @api.model
    def _aps_find_problems(self):
        """ Note what is wrong now, each with a row that is there already or is new.

        :return: None
        """
        providers = self.env['payment.provider'].search_fetch(
            [('code', '=', 'aps')], ACCOUNT_FIELDS
        )
        if providers:
            self._aps_find_payments(providers)
        enabled_providers = providers.filtered(lambda provider: provider.state == 'enabled')
        for provider in self._aps_find_silent(enabled_providers):
            self._aps_note_apart('webhook_silent', provider)
        for provider in enabled_providers.filtered(lambda provider: provider._aps_is_copied()):
            self._aps_note_apart('copy', provider, key=provider._aps_get_database())

    @api.model
    def _aps_find_payments(self, providers):
        """ Note the payments that are not booked, not settled, or about to lapse.

        :param recordset providers: The providers of APS.
        :return: None
        """
        now = fields.Datetime.now()
        for tx in self._aps_find_txs(
            FIND_NOT_BOOKED, providers, begin=datetime.min, end=now - BOOKING_DELAY
        ):
            self._aps_note_apart('not_booked', tx.provider_id, tx)
        for tx in self._aps_find_txs(
            FIND_UNSETTLED, providers, begin=now - OPEN_DELAY, due=now - DUE_DELAY
        ):
            if tx._aps_get_closable():
                self._aps_note_apart('outcome_open', tx.provider_id, tx)
        for tx in self._aps_find_txs(
            FIND_AUTHORIZED, providers, begin=now - timedelta(days=const.CAPTURE_WINDOW_DAYS),
            end=now - timedelta(days=LAPSING_DAYS),
        ):
            if tx._aps_is_lapsing():
                self._aps_note_apart('lapsing', tx.provider_id, tx)

    @api.model
    def _aps_find_txs(self, query, providers, **values):
        """ Return the transactions that a query of the watch finds.

        :param str query: The query.
        :param recordset providers: The providers of APS.
        :param values: Its other values.
        :return: The transactions.
        :rtype: recordset of `payment.transaction`
        """
        self.env.cr.execute(query, {'provider_ids': providers.ids, **values})
        ids = dict.fromkeys(row[0] for row in self.env.cr.fetchall())
        return self.env['payment.transaction'].browse(ids)

    @api.model
    def _aps_find_silent(self, providers):
        """ Return the accounts of which payments came to be known, but no notification.

        :param recordset providers: The providers that take live payments.
        :return: The providers.
        :rtype: recordset of `payment.provider`
        """
        if not providers:
            return providers
        now = fields.Datetime.now()
        self.env.cr.execute(FIND_SILENT, {
            'provider_ids': providers.ids,
            'accounts': [provider._aps_get_account_digest() for provider in providers],
            'begin': now - timedelta(days=1),
            'end': now - NOTIFICATION_DELAY,
        })
        return providers.browse(row[0] for row in self.env.cr.fetchall())

    #=== BUSINESS METHODS - ENDING AND TRYING ===#

    def _aps_end_what_is_over(self):
        """ End the problems whose cause is gone, also those that were dismissed. """
        for problem in self.filtered(lambda problem: not problem.end_date):
            if problem._aps_is_over():
                state = 'solved' if problem.state == 'open' else problem.state
                problem.write({'state': state, 'end_date': fields.Datetime.now()})
        self._aps_close_activities()

    def _aps_retry_bookings(self):
        """ Try to book what the engine can't, daily once it has given up.

        What it had given up before anybody watched is left to who is in charge, and so is what was
        settled in another way meanwhile.
        """
        now = fields.Datetime.now()
        due_problems = self.filtered(
            lambda problem: problem.kind == 'not_booked' and problem.state == 'open'
            and (not problem.tried_date or problem.tried_date <= now - BOOKING_INTERVAL)
            and problem.transaction_id._aps_is_booking_due(problem.first_date)
        )
        for problem in due_problems.sorted(lambda p: p.tried_date or p.first_date)[:MAX_BOOKINGS]:
            if not problem._aps_try_booking():
                problem.write({'state': 'solved', 'end_date': now})
            self.env.cr.commit()  # pylint: disable=invalid-commit

    #=== BUSINESS METHODS - TELLING ===#

    def _aps_tell(self):
        """ Tell who is in charge of the problems that nobody was told of, each in one activity. """
        groups = {}
        for problem in self:
            user = problem.provider_id._aps_get_responsible() if problem._aps_is_untold() else None
            if user:
                groups[user] = groups.get(user, self.browse()) | problem
        for user, problems in groups.items():
            try:
                with unwrapped(), self.env.cr.savepoint():
                    problems._aps_open_activity(user)
            except CONFLICTS:
                raise
            except Exception:  # Others are to be told all the same.
                _logger.exception("User %s can't be told of problems.", user.id)

    def _aps_is_untold(self):
        """ Return whether somebody is to be told of the problem. """
        return self.state == 'open' and not self.told_date

    def _aps_open_activity(self, user):
        """ Open one activity for all problems. It stands with the first one.

        :param recordset user: Who is in charge.
        :return: None
        """
        problems = self.with_context(lang=user.lang)
        items = Markup().join(
            ACTIVITY_ITEM % (problem.id, problem.display_name, problem.meaning)
            for problem in problems[:MAX_NAMED]
        )
        activity = problems[:1].activity_schedule(
            ACTIVITY_TYPE,
            summary=problems._aps_summarize(),
            note=Markup('<ul>%s</ul>') % items,
            user_id=user.id,
        )
        self.write({'told_date': fields.Datetime.now(), 'activity_id': activity.id})

    def _aps_summarize(self):
        """ Return what is wrong in a few words. """
        if len(self) == 1:
            return self.display_name
        return _("%(count)s problems with payments", count=len(self))

    def _aps_close_activities(self):
        """ Close the activities all of whose problems have ended. """
        activities = self.activity_id
        if not activities:
            return
        open_problems = self.search([
            ('activity_id', 'in', activities.ids), ('state', '=', 'open'),
        ])
        ended_activities = activities - open_problems.activity_id
        ended_activities.filtered('active').unlink()
        self.filtered(lambda problem: problem.state != 'open').activity_id = False
