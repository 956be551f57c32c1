from . import payment_capture_wizard
