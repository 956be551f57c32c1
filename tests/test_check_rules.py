from datetime import datetime, timedelta

from odoo.tests import BaseCase, tagged

from odoo.addons.payment_aps.aps.message import is_payment_unknown
from odoo.addons.payment_aps.aps.schedule import get_next_visit

NOW = datetime(2026, 1, 1, 12)


@tagged('post_install', '-at_install')
class TestCheckRules(BaseCase):
    """ When APS is asked: functions of plain values. """

    def test_status_page_may_ask_again_after_ever_longer_waits(self):
        """ Test that reloading a page for days causes a handful of queries, the first at once. """
        asked = NOW + timedelta(minutes=3)
        waits = []
        for _visit in range(6):
            next_visit = get_next_visit(NOW, asked)
            waits.append((next_visit - asked).total_seconds() / 60)
            asked = next_visit
        self.assertEqual(waits, [3, 6, 12, 24, 48, 96])
        for seconds, wait in ((0, 60), (20, 60), (90, 90)):
            asked = NOW + timedelta(seconds=seconds)
            self.assertEqual(
                (get_next_visit(NOW, asked) - asked).total_seconds(), wait
            )

    def test_only_a_payment_that_is_not_known_leaves_no_trail(self):
        """ Test that what APS says of an operation is kept, and so is any other answer. """
        of_payment, of_refund = {}, {'maintenance_reference': 'R-1'}
        for query, code, is_unknown in (
            (of_payment, '12036', True), (of_payment, '00036', True), (of_payment, '12000', False),
            (of_payment, '11043', False), (of_payment, None, False), (of_refund, '12036', False),
        ):
            with self.subTest(query=query, code=code):
                answer = {'response_code': code} if code else {}
                self.assertEqual(is_payment_unknown(query, answer), is_unknown)
