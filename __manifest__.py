{
    'name': "Payment Provider: Amazon Payment Services",
    'version': '1.5.1',
    'category': 'Accounting/Payment Providers',
    'sequence': 350,
    'summary': "Cards and local methods of the Gulf, Egypt, Jordan and Lebanon",
    'description': ' ',  # If it is empty, Odoo takes the README.md, which it can't render.
    'author': "payment_aps contributors",
    'depends': ['account_payment'],
    'data': [
        'security/payment_aps_security.xml',
        'security/ir.model.access.csv',

        'views/payment_aps_templates.xml',
        'views/payment_aps_setup_templates.xml',
        'views/payment_provider_views.xml',
        'views/payment_token_views.xml',
        'views/payment_transaction_views.xml',
        'views/payment_aps_closing_views.xml',
        'views/payment_aps_go_live_views.xml',
        'views/payment_aps_message_views.xml',
        'views/payment_aps_problem_views.xml',
        'views/payment_aps_refusal_views.xml',
        'views/payment_aps_report_views.xml',
        'views/payment_aps_wizard_views.xml',
        'views/payment_aps_menus.xml',  # Depends on the actions of the other views

        'data/ir_cron.xml',
        'data/mail_activity_type.xml',
        'data/payment_provider_data.xml',  # Depends on views/payment_aps_templates.xml
    ],
    'post_init_hook': 'post_init_hook',
    'uninstall_hook': 'uninstall_hook',
    'images': ['static/description/set_up.png'],
    'license': 'LGPL-3',
}
