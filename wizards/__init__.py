from . import payment_aps_closing
from . import payment_aps_dismissal
from . import payment_aps_go_live
from . import payment_aps_single_use
from . import account_payment_register  # Inherits the former.
from . import payment_capture_wizard  # Inherits the former as well.
from . import payment_refund_wizard  # Inherits the former as well.
