{
    'name': "Shop that is Broken",
    'version': '1.0',
    'summary': "A module as others write them, for tests",
    'author': "Payment APS",
    'depends': ['account_payment', 'sale'],
    'license': 'LGPL-3',
}
