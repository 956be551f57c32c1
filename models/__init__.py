from odoo.addons.payment.models.payment_transaction import PaymentTransaction

from . import digest_digest
from . import ir_http
from . import payment_aps_charge
from . import payment_aps_record
from . import payment_aps_message  # Inherits the former.
from . import payment_aps_message_foreign
from . import payment_aps_problem  # Inherits payment_aps_record as well.
from . import payment_aps_problem_actions
from . import payment_aps_problem_twice
from . import payment_aps_problem_watch
from . import payment_aps_refusal
from . import payment_aps_report
from . import payment_method
from . import payment_provider
from . import payment_provider_check
from . import payment_provider_copies
from . import payment_provider_offer
from . import payment_provider_outcome
from . import payment_provider_problems
from . import payment_provider_setup
from . import payment_token
from . import payment_transaction
from . import payment_transaction_amounts
from . import payment_transaction_booking
from . import payment_transaction_checks
from . import payment_transaction_closing
from . import payment_transaction_cron
from . import payment_transaction_dues
from . import payment_transaction_figures
from . import payment_transaction_notices
from . import payment_transaction_operations
from . import payment_transaction_outcome
from . import payment_transaction_problems
from . import payment_transaction_reasons
from . import payment_transaction_request
from . import payment_transaction_status
from . import payment_transaction_sums
from . import payment_transaction_texts
from . import payment_transaction_tokens
from . import payment_transaction_twice

# Odoo 19.0 renamed the engine's hooks. The adapter is chosen by what the engine has to offer.
if hasattr(PaymentTransaction, '_handle_notification_data'):
    from . import payment_transaction_17
elif hasattr(PaymentTransaction, '_process'):
    from . import payment_provider_19
    from . import payment_transaction_19
else:
    raise ImportError("payment_aps doesn't know the payment engine of this version of Odoo.")
