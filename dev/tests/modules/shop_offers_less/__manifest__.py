{
    'name': "Shop that Offers Less",
    'version': '1.0',
    'summary': "A module as others write them, for tests",
    'author': "Payment APS",
    'depends': ['payment'],
    'license': 'LGPL-3',
}
