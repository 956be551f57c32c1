""" The backend in a browser, the same in all series. """


def open_form(shop, backend, model, record_id):
    """ Open the form of a record.

    :param Shop shop: The running shop.
    :param Shopper backend: The browser.
    :param str model: The model of the record.
    :param int record_id: The id of the record.
    :return: The page.
    :rtype: playwright.sync_api.Page
    """
    if shop.series == '17.0':
        backend.page.goto('about:blank')  # Another fragment alone would not load the page anew.
        backend.page.goto(f'{shop.url}/web#id={record_id}&model={model}&view_type=form')
    else:
        backend.page.goto(f'{shop.url}/odoo/{model}/{record_id}')
    backend.page.locator('.o_form_view').wait_for()
    return backend.page
