""" Buy something in a browser; run by `dev/demo --checkout` with the tools' Python. """

import json
import sys
from pathlib import Path

from .browser import Shopper, open_browser
from .shop import PRODUCT


def main(shop_url, screenshots, outcome):
    """ Buy a product as a guest and write down the reference of the payment.

    :param str shop_url: The address of the shop.
    :param str screenshots: The folder for screenshots; empty for none.
    :param str outcome: The file that takes the reference.
    :return: None
    """
    folder = Path(screenshots) if screenshots else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with open_browser() as browser:
        shopper = Shopper(
            browser, shop_url, say=lambda text: print(text, flush=True), screenshots=folder
        )
        try:
            shopper.fill_cart(PRODUCT)
            shopper.check_out()
            shopper.open_payment_step()
            reference = shopper.pay()
            shopper.enter_card()
            shopper.wait_for_confirmation()
        except Exception:
            shopper.take_screenshot('failure')
            raise
    Path(outcome).write_text(json.dumps({'reference': reference}))


if __name__ == '__main__':
    main(*sys.argv[1:])
