{
    'name': "Shop that Asks More",
    'version': '1.0',
    'summary': "A module as others write them, for tests",
    'author': "Payment APS",
    'depends': ['sale'],
    'license': 'LGPL-3',
}
