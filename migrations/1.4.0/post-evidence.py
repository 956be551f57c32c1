def migrate(cr, version):
    """ Note what the form of a provider is told by: the account of the last messages, and what the
    last check of the credentials found.

    Of the messages, only the last one of each way is looked at, so only those are
    written: the trail can be large.
    """
    cr.execute("""
        UPDATE payment_aps_message message
           SET account = last.aps_account
          FROM (
                SELECT DISTINCT ON (message.provider_id, message.channel, tx.aps_account)
                       message.id,
                       tx.aps_account
                  FROM payment_aps_message message
                  JOIN payment_transaction tx ON tx.reference = message.merchant_reference
                 WHERE tx.aps_account IS NOT NULL
                   AND tx.provider_id = message.provider_id
              ORDER BY message.provider_id, message.channel, tx.aps_account,
                       message.create_date DESC
               ) last
         WHERE message.id = last.id
           AND message.account IS NULL
    """)
    cr.execute("DROP INDEX IF EXISTS payment_aps_message_last_date")
    # What was no success was a mistake, as a check of former versions knew nothing else.
    cr.execute("""
        UPDATE payment_provider
           SET aps_check_problem = 'mistake'
         WHERE aps_check_result IS NOT NULL
           AND aps_check_date IS NULL
    """)
