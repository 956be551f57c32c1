def migrate(cr, version):
    """ Have the menus placed by the data file: version 1.2.1 placed them itself, once accounting
    was installed, which is there for certain now.
    """
    cr.execute("""
        UPDATE ir_model_data
           SET noupdate = false
         WHERE module = 'payment_aps'
           AND name IN ('menu_aps_payments', 'menu_aps_messages')
    """)
    cr.execute("""
        UPDATE ir_ui_menu
           SET active = true
         WHERE id IN (
            SELECT res_id FROM ir_model_data
             WHERE module = 'payment_aps'
               AND name IN ('menu_aps_payments', 'menu_aps_messages')
         )
    """)
