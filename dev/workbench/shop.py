""" A small shop of the Gulf that takes payments with APS. """

from .sandbox_process import CREDENTIALS

PRODUCT = "Karak Tea Set"
PRICE = 123.45
PORTAL = {'login': 'shopper', 'password': 'shopper'}


def prepare_shop(rpc):
    """ Set up company, currencies, languages, product, shopper and provider.

    :param Client rpc: The administrator.
    :return: None
    """
    prepare_company(rpc)
    leave_out_reports(rpc)
    prepare_catalogue(rpc)
    prepare_shopper(rpc)
    prepare_provider(rpc)


def prepare_company(rpc):
    """ Set up a company of the United Arab Emirates, with Arabic beside English. """
    for code in ('AED', 'KWD', 'USD'):
        activate_currency(rpc, code)
    company_id = rpc.call('res.company', 'search', [], limit=1)[0]
    rpc.call('res.company', 'write', [company_id], {
        'name': "Gulf Tea House",
        'email': 'shop@example.com',
        'country_id': rpc.ref('base.ae'),
        'currency_id': get_currency(rpc, 'AED'),
    })
    wizard_id = rpc.call('base.language.install', 'create', {
        'lang_ids': [(6, 0, [
            row['id'] for row in rpc.search_read('res.lang', [('code', '=', 'ar_001')], ['id'])
        ])],
    })
    rpc.call('base.language.install', 'lang_install', [wizard_id])
    website_id = rpc.call('website', 'search', [], limit=1)[0]
    rpc.call('website', 'write', [website_id], {
        'language_ids': [(6, 0, rpc.call('res.lang', 'search', []))],
        'account_on_checkout': 'optional',
    })


def leave_out_reports(rpc):
    """ Have e-mails sent without PDF: not every machine has the program that makes them. """
    template_ids = rpc.call('mail.template', 'search', [])
    rpc.call('mail.template', 'write', template_ids, {'report_template_ids': [(5, 0, 0)]})


def get_currency(rpc, code):
    """ Return the id of a currency, active or not. """
    return rpc.search_read('res.currency', [('name', '=', code)], ['id'])[0]['id']


def activate_currency(rpc, code):
    """ Activate a currency, and return its id.

    One that is active isn't written again: that empties Odoo's caches, and costs seconds.
    """
    [currency] = rpc.search_read('res.currency', [('name', '=', code)], ['active'])
    if not currency['active']:
        rpc.call('res.currency', 'write', [currency['id']], {'active': True})
    return currency['id']


def prepare_catalogue(rpc):
    """ Publish one product, and price it in the currency of the company. """
    pricelist_ids = rpc.call('product.pricelist', 'search', [])
    if pricelist_ids:
        rpc.call('product.pricelist', 'write', pricelist_ids, {
            'currency_id': get_currency(rpc, 'AED'),
        })
    rpc.call('product.template', 'create', {
        'name': PRODUCT,
        'list_price': PRICE,
        'type': 'service',
        'taxes_id': [(6, 0, [])],
        'website_published': True,
    })


def prepare_shopper(rpc):
    """ Create a shopper with an account and an address that the checkout asks nothing about. """
    make_shopper(rpc, PORTAL['login'], PORTAL['password'], "Layla Haddad", 'AE', {
        'street': "Corniche 1", 'city': "Dubai", 'zip': '00000', 'phone': '+971 4 000 0000',
    })


def make_shopper(rpc, login, password, name, country, address):
    """ Create a shopper with an account and an address.

    :param Client rpc: The administrator.
    :param str login: The login.
    :param str password: The password.
    :param str name: The name.
    :param str country: The code of the country.
    :param dict address: The other values of the address; the state is that of the city, if any.
    :return: The id of the partner.
    :rtype: int
    """
    user_id = rpc.call('res.users', 'create', {
        'name': name, 'login': login, 'password': password,
        'email': f'{name.split()[0].lower()}@example.com',
        get_groups_field(rpc): [(6, 0, [rpc.ref('base.group_portal')])],
    }, context={'no_reset_password': True})
    [user] = rpc.call('res.users', 'read', [user_id], ['partner_id'])
    partner_id = user['partner_id'][0]
    country_id = rpc.ref(f'base.{country.lower()}')
    state_ids = rpc.call('res.country.state', 'search', [
        ('country_id', '=', country_id), ('name', '=', address['city']),
    ])
    rpc.call('res.partner', 'write', [partner_id], {
        **address, 'country_id': country_id, 'state_id': state_ids[0] if state_ids else False,
    })
    return partner_id


def get_groups_field(rpc):
    """ Return the name of the field of the groups of users, which differs between the series. """
    user_fields = rpc.call('res.users', 'fields_get', [], ['type'])
    return 'group_ids' if 'group_ids' in user_fields else 'groups_id'


def prepare_provider(rpc):
    """ Fill in the credentials of the sandbox and publish the provider. """
    provider_id = rpc.ref('payment.payment_provider_aps')
    rpc.call('payment.provider', 'write', [provider_id], {
        **CREDENTIALS, 'state': 'test', 'is_published': True,
    })
    # As the form does when it is opened: this sets up the provider in the bank journal.
    rpc.call('payment.provider', 'read', [provider_id], ['journal_id'])


def connect_shop(rpc, odoo_url, sandbox_url):
    """ Tell the shop its own address and that of the sandbox.

    :param Client rpc: The administrator.
    :param str odoo_url: The address of the shop.
    :param str sandbox_url: The address of the sandbox.
    :return: None
    """
    for key, value in (
        ('web.base.url', odoo_url), ('web.base.url.freeze', 'True'),
        ('payment_aps.sandbox_url', sandbox_url),
    ):
        rpc.call('ir.config_parameter', 'set_param', key, value)
